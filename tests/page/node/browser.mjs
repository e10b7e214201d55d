/** A browser for the tests of the page: whatever the page complains of is kept and fails the scenario. */

import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'

const FLAGS = [
  '--no-sandbox', '--no-first-run', '--disable-quic', '--disable-background-networking', '--disable-component-update',
  '--disable-sync', '--use-angle=swiftshader', '--enable-unsafe-swiftshader', '--ignore-gpu-blocklist',
]
const AXE = fileURLToPath(import.meta.resolve('axe-core/axe.min.js'))
export const PATIENCE_MS = 150_000

export class Browser {
  constructor(browser, given) {
    this.browser = browser
    this.given = given
    this.complaints = []
    this.allowed = []
  }

  static async start(given) {
    const browser = await chromium.launch({ executablePath: given.chromium, headless: true, args: FLAGS })
    return new Browser(browser, given)
  }

  /** A tab of its own session. */
  async open(path = '/', { width = 1280, height = 860, dark = false } = {}) {
    const context = await this.browser.newContext({
      viewport: { width, height },
      colorScheme: dark ? 'dark' : 'light',
      reducedMotion: 'reduce',
      permissions: ['clipboard-write'],
    })
    const page = await context.newPage()
    page.setDefaultTimeout(PATIENCE_MS)
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) this.complain(`${message.type()}: ${message.text()}`)
    })
    page.on('pageerror', (error) => this.complain(`pageerror: ${error.stack}`))
    page.on('requestfailed', (request) => {
      if (request.failure()?.errorText === 'csp') this.complain(`blocked: ${request.url()}`)
    })
    await page.addInitScript({ path: AXE })
    await page.addInitScript(() => {
      window.shifts = 0
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifts += entry.value
      }).observe({ type: 'layout-shift', buffered: true })
      addEventListener('securitypolicyviolation', (event) =>
        console.error(`security policy: ${event.violatedDirective} ${event.blockedURI}`),
      )
    })
    await page.goto(this.given.url + path)
    return page
  }

  async signIn(page) {
    await page.getByRole('button', { name: 'Continue on this computer' }).click()
    await page.getByRole('heading', { name: 'Jobs', level: 1 }).waitFor()
  }

  complain(text) {
    if (!this.allowed.some((each) => text.includes(each))) this.complaints.push(text)
  }

  async picture(page, name, options = {}) {
    mkdirSync(this.given.pictures, { recursive: true })
    await page.screenshot({ path: join(this.given.pictures, `${name}.png`), ...options })
  }
}

/** What is wrong with a screen for eyes and hands: what axe finds of WCAG 2.2 AA and good practice, width, layout shift. */
export async function faultsOf(page) {
  return page.evaluate(async () => {
    const { violations, incomplete } = await axe.run(document, { rules: { 'target-size': { enabled: true } } })
    // Contrast that cannot be told is a fault, too; but not where something lies over the text at the moment.
    const covered = /Obscur|Overlap|outsideViewport|shortTextContent/
    const unclear = incomplete
      .filter((each) => each.id === 'color-contrast')
      .map((each) => ({ ...each, nodes: each.nodes.filter(({ any: [check] }) => !covered.test(check?.data?.messageKey)) }))
    const faults = [...violations, ...unclear].flatMap(({ id, nodes }) =>
      nodes.map(({ html, any: [check] }) => `${id}: ${check?.message ?? ''} ${html.slice(0, 120)}`),
    )
    const { scrollWidth, clientWidth } = document.documentElement
    if (scrollWidth > clientWidth) faults.push(`wider than the window: ${scrollWidth} > ${clientWidth}`)
    if (window.shifts > 0.1) faults.push(`layout shift ${window.shifts.toFixed(3)}`)
    return faults
  })
}

/** Once what was asked of the page is drawn. */
export function drawn(page) {
  return page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))))
}

/** Drop a file or a folder of the disk on an element, as a hand does. */
export async function drop(page, target, path) {
  const box = await target.boundingBox()
  const place = { x: box.x + box.width / 2, y: box.y + box.height / 2 }
  const session = await page.context().newCDPSession(page)
  const data = { items: [], files: [path], dragOperationsMask: 1 }
  for (const type of ['dragEnter', 'dragOver', 'drop']) await session.send('Input.dispatchDragEvent', { type, ...place, data })
}
