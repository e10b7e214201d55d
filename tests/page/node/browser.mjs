/** A browser for the tests of the page: whatever the page complains of is kept and fails the scenario. */

import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { chromium } from 'playwright-core'

const FLAGS = [
  '--no-sandbox', '--no-first-run', '--disable-quic', '--disable-background-networking', '--disable-component-update',
  '--disable-sync', '--use-angle=swiftshader', '--enable-unsafe-swiftshader', '--ignore-gpu-blocklist',
]
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
    await page.getByRole('heading', { name: 'Jobs' }).waitFor()
  }

  complain(text) {
    if (!this.allowed.some((each) => text.includes(each))) this.complaints.push(text)
  }

  async picture(page, name, options = {}) {
    mkdirSync(this.given.pictures, { recursive: true })
    await page.screenshot({ path: join(this.given.pictures, `${name}.png`), ...options })
  }
}

/** What is wrong with a screen for eyes and hands: contrast (WCAG 2.2, 1.4.3), names, width, size of targets. */
export async function faultsOf(page) {
  return page.evaluate(() => {
    const faults = []
    const shown = (element) => {
      const box = element.getBoundingClientRect()
      const style = getComputedStyle(element)
      const isClipped = element.closest('.unseen, .skip') !== null
      return box.width > 1 && box.height > 1 && style.visibility === 'visible' && !isClipped
    }
    const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true })
    const rgba = (text) => {
      canvas.clearRect(0, 0, 1, 1)
      canvas.fillStyle = text
      canvas.fillRect(0, 0, 1, 1)
      const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data
      return [r, g, b, a / 255]
    }
    const background = (element) => {
      const layers = []
      for (let at = element; at; at = at.parentElement) {
        const colour = rgba(getComputedStyle(at).backgroundColor)
        if (colour[3] > 0) layers.push(colour)
        if (colour[3] === 1) break
      }
      return layers.reduceRight(
        (below, [r, g, b, a]) => [r, g, b].map((part, at) => part * a + below[at] * (1 - a)), [255, 255, 255],
      )
    }
    const luminance = (rgb) => {
      const [r, g, b] = rgb.map((part) => part / 255).map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
      return 0.2126 * r + 0.7152 * g + 0.0722 * b
    }
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    for (let node = texts.nextNode(); node; node = texts.nextNode()) {
      const element = node.parentElement
      const isExempt = element.closest('svg, option, script, noscript, :disabled') !== null
      if (!node.textContent.trim() || isExempt || !shown(element)) continue
      const style = getComputedStyle(element)
      const [light, dark] = [luminance(rgba(style.color).slice(0, 3)), luminance(background(element))].sort((a, b) => b - a)
      const isLarge = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && Number(style.fontWeight) >= 700)
      const ratio = (light + 0.05) / (dark + 0.05)
      if (ratio < (isLarge ? 3 : 4.5)) faults.push(`contrast ${ratio.toFixed(2)}: ${node.textContent.trim().slice(0, 40)}`)
    }
    for (const element of document.querySelectorAll('button, a[href], input, select, canvas')) {
      if (!shown(element) && !element.matches('input')) continue
      const label = element.labels?.[0]?.textContent ?? ''
      const name = element.getAttribute('aria-label') || label || element.textContent || ''
      if (!name.trim()) faults.push(`no name: ${element.outerHTML.slice(0, 80)}`)
      const box = (element.matches('input') && element.labels?.[0] ? element.labels[0] : element).getBoundingClientRect()
      const isText = element.matches('a') && getComputedStyle(element).display === 'inline'
      if (shown(element) && !isText && (box.height < 24 || box.width < 20)) faults.push(`small target ${box.width}×${box.height}: ${name}`)
    }
    const { scrollWidth, clientWidth } = document.documentElement
    if (scrollWidth > clientWidth) faults.push(`wider than the window: ${scrollWidth} > ${clientWidth}`)
    if (document.querySelectorAll('h1').length !== 1) faults.push('not one h1')
    if (window.shifts > 0.1) faults.push(`layout shift ${window.shifts.toFixed(3)}`)
    return faults
  })
}
