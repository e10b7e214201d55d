/** `node scenarios.mjs NAME` with what is given as JSON on standard input; prints as JSON what was seen. */

import { readFileSync } from 'node:fs'
import { Browser, drawn, drop, faultsOf } from './browser.mjs'

const RESULT = 'canvas[data-shown=everything]'
/** For what takes a whole job. */
const COMPUTED = { timeout: 500_000 }

/** From a folder of slices to a picture, a measured distance, and a link for somebody else. */
async function dropToPicture(browser, given) {
  const seen = {}
  const page = await browser.open()
  await browser.picture(page, 'sign-in')
  await browser.signIn(page)
  await page.getByText('No jobs yet').waitFor()
  await browser.picture(page, 'empty')
  seen.faults = { empty: await faultsOf(page) }
  await page.getByRole('link', { name: 'New job' }).last().click()
  await drop(page, page.getByRole('group', { name: 'Scan' }), given.slices)
  await page.getByText('sent as one zip').waitFor()
  for (const name of given.structures) await page.getByLabel(name, { exact: true }).check()
  await page.getByRole('checkbox', { name: 'Tooth 36' }).click()
  seen.dropped = await page.getByRole('group', { name: 'Scan' }).innerText()
  await page.getByRole('radio', { name: 'Universal' }).check()
  seen.universal = await page.getByRole('checkbox', { name: 'Tooth 19,' }).getAttribute('data-tooth')
  for (const name of ['Picture', 'Panoramic picture']) {
    await page.getByRole('group', { name, exact: true }).getByLabel('PNG').check()
  }
  await page.getByLabel('Zip').check()
  await page.getByLabel('Reference').fill('case 12')
  await browser.picture(page, 'new', { fullPage: true })
  seen.faults.new = await faultsOf(page)
  const network = await page.context().newCDPSession(page)
  const slowly = { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: given.bytes / 10 }
  await network.send('Network.emulateNetworkConditions', slowly)
  await page.getByRole('button', { name: 'Start' }).click()
  await page.getByText(/^Sending .* of/).waitFor()
  await page.waitForFunction(() => document.querySelector('progress')?.value > 0.1)
  await page.evaluate(keepSteps)
  await browser.picture(page, 'uploading')
  seen.faults.uploading = await faultsOf(page)
  await network.send('Network.emulateNetworkConditions', { ...slowly, uploadThroughput: -1 })
  await page.waitForFunction(() => window.steps.includes('Segment'), null, COMPUTED)
  await browser.picture(page, 'running')
  await page.locator(RESULT).waitFor(COMPUTED)
  seen.steps = await page.evaluate(() => window.steps)
  seen.jobId = page.url().split('/').pop()
  await look(browser, page, seen)
  await measure(browser, page, seen)
  await share(browser, page, seen)
  return seen
}

/** In the page: keep every step that it shows. */
function keepSteps() {
  window.steps = []
  const keep = () => {
    const step = document.querySelector('[aria-current=step]')?.textContent.trim()
    if (step && step !== window.steps.at(-1)) window.steps.push(step)
  }
  keep()
  new MutationObserver(keep).observe(document.body, { subtree: true, childList: true, attributes: true })
}

async function look(browser, page, seen) {
  await page.getByRole('img', { name: /Panoramic/ }).waitFor()
  seen.pictures = await page.locator('figcaption').allInnerTexts()
  await browser.picture(page, 'done', { fullPage: true })
  seen.faults.done = await faultsOf(page)
  seen.rows = await page.locator('aside li').evaluateAll((rows) => rows.map((row) => row.innerText.replace(/\s+/g, ' ')))
  seen.colours = await coloursOf(page)
  await page.getByRole('button', { name: 'Hide all' }).click()
  await drawn(page)
  seen.coloursHidden = await coloursOf(page)
  await page.getByRole('button', { name: 'Show all' }).click()
  await page.getByLabel('Colour by status').check()
  await drawn(page)
  seen.coloursByStatus = await coloursOf(page)
  await page.getByLabel('Colour by status').uncheck()
  const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: /Download all/ }).click()])
  seen.archive = { name: file.suggestedFilename(), head: readFileSync(await file.path()).subarray(0, 2).toString() }
}

/** How many pixels of the canvas are coloured rather than gray, of slices and of surfaces. */
async function coloursOf(page) {
  const picture = await page.locator('canvas').screenshot()
  return page.evaluate(async (bytes) => {
    const image = await createImageBitmap(new Blob([Uint8Array.from(bytes)], { type: 'image/png' }))
    const canvas = new OffscreenCanvas(image.width, image.height).getContext('2d', { willReadFrequently: true })
    canvas.drawImage(image, 0, 0)
    const count = (x, y) => {
      const { data } = canvas.getImageData(x, y, image.width / 2, image.height / 2)
      let warm = 0
      let green = 0
      for (let at = 0; at < data.length; at += 4) {
        if (data[at] - data[at + 2] > 24) warm++
        if (data[at + 1] - data[at] > 24 && data[at + 1] - data[at + 2] > 12) green++
      }
      return { warm, green }
    }
    return { slice: count(0, 0), model: count(image.width / 2, image.height / 2) }
  }, [...picture])
}

/** Sixty millimetres along the sliders by keyboard, then some distance by clicks. */
async function measure(browser, page, seen) {
  await page.getByRole('button', { name: 'Measure' }).click()
  const slider = page.getByRole('slider', { name: 'Sagittal' })
  const from = Number(await slider.inputValue())
  await page.getByRole('button', { name: 'Set a point at the crosshair' }).click()
  await slider.fill(String(from + 30))
  await page.getByRole('button', { name: 'Set the second point here' }).click()
  seen.distance = await page.locator('.distances li').first().innerText()
  await slider.fill(String(from))
  await page.getByRole('radio', { name: 'Axial' }).check()
  const box = await page.locator('canvas').boundingBox()
  const click = (x) => page.mouse.click(box.x + box.width * x, box.y + box.height / 2, { delay: 60 })
  await click(0.4)
  await page.getByRole('button', { name: 'Set the second point here' }).waitFor()
  await click(0.6)
  await page.locator('.distances li').nth(1).waitFor()
  seen.clicked = await page.locator('.distances li').nth(1).innerText()
  seen.view = { width: box.width, height: box.height }
  seen.lines = await page.locator('.stage svg line').count()
  await browser.picture(page, 'measured')
  await page.getByRole('radio', { name: 'All' }).check()
}

async function share(browser, page, seen) {
  await page.getByRole('button', { name: 'Share' }).click()
  await page.getByRole('button', { name: 'Make link' }).click()
  const link = await page.getByLabel('Link', { exact: true }).inputValue()
  await browser.picture(page, 'share')
  await page.getByRole('button', { name: 'Close' }).click()
  const other = await browser.open(link.slice(browser.given.url.length))
  await other.locator(RESULT).waitFor()
  seen.shared = {
    heading: await other.getByRole('heading', { level: 1 }).innerText(),
    buttons: await other.getByRole('button', { name: /Delete|Run again|Share/ }).count(),
    session: await other.evaluate(() => sessionStorage.length),
  }
  browser.allowed.push('403')
  await other.goto(link.replace(/expires=\d/, 'expires=9'))
  await other.reload()
  seen.tampered = await other.getByRole('alert').innerText()
}

/** What goes wrong is said in a sentence, with what to do. */
async function errors(browser, given) {
  browser.allowed.push('400', '401', '404', '409', '422', 'ERR_FAILED', 'ERR_CONNECTION')
  const seen = {}
  const page = await browser.open()
  await page.getByLabel('Client id').fill('nobody')
  await page.getByLabel('Client secret').fill('nothing')
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  seen.signIn = await page.getByRole('alert').innerText()
  await browser.picture(page, 'sign-in-refused')
  await page.getByLabel('Client id').fill(given.clientId)
  await page.getByLabel('Client secret').fill(given.clientSecret)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  await page.getByRole('heading', { name: 'Jobs', level: 1 }).waitFor()
  await page.goto(`${given.url}/#/new`)
  const files = page.getByLabel('Files of the scan')
  await files.setInputFiles({ name: 'letter.pdf', mimeType: 'application/pdf', buffer: Buffer.from('%PDF-1.7 letter') })
  seen.wrongFile = await page.getByRole('alert').innerText()
  await brokenUpload(browser, page, seen, given.large)
  await page.getByText('Failed').waitFor()
  seen.badScan = await page.getByRole('alert').innerText()
  await browser.picture(page, 'failed')
  seen.faults = { failed: await faultsOf(page) }
  await page.goto(`${given.url}/#/job/00000000-0000-0000-0000-000000000000`)
  seen.unknownJob = await page.getByRole('alert').innerText()
  return seen
}

/** A connection that is gone for longer than the page waits; and, on the second try, for a moment at the second part. */
async function brokenUpload(browser, page, seen, large) {
  await page.clock.install()
  await page.getByLabel('Files of the scan').setInputFiles(large)
  let breaks = Infinity
  const parts = (seen.parts = [])
  await page.route('**/uploads/**', (route) => {
    const offset = Number(route.request().headers()['upload-offset'] ?? -1)
    const isBroken = breaks > 0 && (breaks === Infinity || offset > 0)
    if (isBroken) breaks--
    else parts.push([route.request().method(), offset])
    return isBroken ? route.abort() : route.continue()
  })
  await page.getByRole('button', { name: 'Start' }).click()
  await page.getByText('The connection broke').waitFor()
  await browser.picture(page, 'upload-broken')
  const alert = page.getByRole('alert')
  for (; !(await alert.count()); await page.clock.fastForward(30_000)) await drawn(page)
  seen.interrupted = await alert.innerText()
  await browser.picture(page, 'upload-interrupted')
  breaks = 1
  await page.getByRole('button', { name: 'Send again' }).click()
  await page.getByText('The connection broke').waitFor()
  await page.clock.fastForward(30_000)
}

/** Surfaces that were sent and came back in other formats: one is drawn, the other cannot be. */
async function surfacesAlone(browser, given) {
  const page = await browser.open()
  await browser.signIn(page)
  await page.goto(`${given.url}/#/job/${given.jobId}`)
  await page.locator(RESULT).waitFor()
  await browser.picture(page, 'surfaces-alone', { fullPage: true })
  const faults = { 'surfaces-alone': await faultsOf(page) }
  const notes = await page.locator('.warning, .lack').allInnerTexts()
  return { notes, faults, lit: await litOf(page), rows: await page.locator('aside li .title').allInnerTexts() }
}

/** How many pixels of the canvas are lit. */
async function litOf(page) {
  const picture = await page.locator('canvas').screenshot()
  return page.evaluate(async (bytes) => {
    const image = await createImageBitmap(new Blob([Uint8Array.from(bytes)], { type: 'image/png' }))
    const canvas = new OffscreenCanvas(image.width, image.height).getContext('2d')
    canvas.drawImage(image, 0, 0)
    const { data } = canvas.getImageData(0, 0, image.width, image.height)
    let lit = 0
    for (let at = 0; at < data.length; at += 4) if (data[at] > 60) lit++
    return lit
  }, [...picture])
}

/** The whole way without a mouse. */
async function keyboard(browser, given) {
  const seen = {}
  const page = await browser.open()
  const focus = () => page.evaluate(() => ((at) => at.innerText?.trim() || at.getAttribute('aria-label') || at.labels?.[0]?.innerText.trim())(document.activeElement))
  await page.getByRole('button', { name: 'Continue on this computer' }).waitFor()
  seen.order = []
  for (let index = 0; index < 7; index++) {
    await page.keyboard.press('Tab')
    seen.order.push(await focus())
  }
  await page.getByRole('button', { name: 'Continue on this computer' }).press('Enter')
  await page.getByRole('link', { name: 'New job' }).first().press('Enter')
  await page.getByRole('group', { name: /Tooth chart/ }).waitFor()
  seen.afterMove = await page.evaluate(() => document.activeElement.id)
  await page.getByLabel('Files of the scan').setInputFiles(given.scan)
  await page.getByRole('radio', { name: 'Palmer' }).press(' ')
  const first = page.locator('[data-tooth=tooth18]')
  await first.focus()
  for (const key of ['ArrowRight', 'ArrowRight', 'ArrowDown', 'Space']) await page.keyboard.press(key)
  seen.tooth = await page.locator('.tooth[aria-checked=true]').getAttribute('aria-label')
  await page.keyboard.press('Tab')
  seen.leavesChart = await page.evaluate(() => document.activeElement.closest('.chart') === null)
  await page.getByRole('button', { name: 'Start' }).press('Enter')
  await page.getByRole('button', { name: 'Cancel' }).press('Enter')
  await page.getByText('This job was cancelled').waitFor()
  await page.getByRole('button', { name: 'Delete' }).press('Enter')
  await page.getByRole('dialog').waitFor()
  await page.keyboard.press('Escape')
  await page.getByRole('button', { name: 'Delete' }).press('Enter')
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).press('Enter')
  await page.getByText('Deleted').waitFor()
  return seen
}

/** What stands on each tooth, by notation. */
async function notations(browser, given) {
  const page = await browser.open()
  await browser.signIn(page)
  await page.goto(`${given.url}/#/new`)
  const seen = {}
  for (const notation of ['Universal', 'Palmer', 'FDI']) {
    seen[notation] = {}
    for (const dentition of ['Deciduous', 'Permanent']) {
      await page.getByRole('radio', { name: notation }).check()
      await page.getByRole('radio', { name: dentition }).check()
      const teeth = await page.locator('.tooth').evaluateAll((all) => all.map((tooth) => [tooth.dataset.tooth, tooth.innerText.trim()]))
      Object.assign(seen[notation], Object.fromEntries(teeth))
    }
  }
  return seen
}

/** Every screen at 390 pixels and in the dark. */
async function smallAndDark(browser, given) {
  const seen = { faults: {} }
  for (const [name, options] of [['390', { width: 390, height: 844 }], ['dark', { dark: true }], ['390-dark', { width: 390, height: 844, dark: true }]]) {
    const page = await browser.open('/', options)
    await page.getByRole('button', { name: 'Continue on this computer' }).waitFor()
    seen.faults[`sign-in-${name}`] = await faultsOf(page)
    await browser.signIn(page)
    await page.getByRole('table').waitFor()
    await browser.picture(page, `jobs-${name}`)
    seen.faults[`jobs-${name}`] = await faultsOf(page)
    await page.goto(`${given.url}/#/new`)
    await page.getByRole('group', { name: /Tooth chart/ }).waitFor()
    await browser.picture(page, `new-${name}`)
    seen.faults[`new-${name}`] = await faultsOf(page)
    if (name === '390-dark') continue
    await page.goto(`${given.url}/#/job/${given.jobId}`)
    await page.locator(RESULT).waitFor()
    await browser.picture(page, `done-${name}`)
    seen.faults[`done-${name}`] = await faultsOf(page)
    await page.context().close()
  }
  return seen
}

/** Once more with other structures, without sending the scan again. */
async function runAgain(browser, given) {
  const page = await browser.open()
  await browser.signIn(page)
  await page.getByRole('link', { name: 'Run again: case 12' }).click()
  await page.getByText('need not be sent again').waitFor()
  const chosen = await page.getByLabel('Left maxillary sinus').isChecked()
  await page.getByLabel('Left maxillary sinus').uncheck()
  await page.getByRole('checkbox', { name: 'Tooth 36' }).click()
  await page.getByLabel('JSON').check()
  await browser.picture(page, 'again')
  await page.getByRole('button', { name: 'Start' }).click()
  await page.waitForURL((url) => /#\/job\//.test(url.hash) && !url.hash.includes(given.jobId))
  await page.locator(RESULT).waitFor(COMPUTED)
  const rows = await page.locator('aside li .title').allInnerTexts()
  return { chosen, rows, reference: await page.getByRole('heading', { level: 1 }).innerText() }
}

/** What the page weighs, and how soon a result is there; for bench/page.py. */
async function timings(browser, given) {
  const page = await browser.open()
  const network = await page.context().newCDPSession(page)
  const bytes = {}
  await network.send('Network.enable')
  await network.send('Network.setCacheDisabled', { cacheDisabled: true })
  const kinds = new Map()
  network.on('Network.responseReceived', ({ requestId, response }) => kinds.set(requestId, new URL(response.url).pathname))
  network.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
    const path = kinds.get(requestId) ?? ''
    const kind = path.includes('/downloads/') ? 'result' : path.includes('/assets/') || path === '/' ? 'page' : 'api'
    bytes[kind] = (bytes[kind] ?? 0) + encodedDataLength
  })
  await page.reload()
  await page.getByRole('button', { name: 'Continue on this computer' }).waitFor()
  const shell = bytes.page
  await browser.signIn(page)
  await page.goto(`${given.url}/#/job/${given.jobId}`)
  const opened = await page.evaluate(() => performance.now())
  await page.locator(RESULT).waitFor()
  const marks = await page.evaluate(() => performance.getEntriesByType('mark').map(({ name, startTime }) => [name, startTime]))
  return { shell, ...bytes, ...Object.fromEntries(marks.map(([name, at]) => [name, at - opened])) }
}

const SCENARIOS = { notations, surfacesAlone, timings, dropToPicture, errors, keyboard, smallAndDark, runAgain }

const given = JSON.parse(readFileSync(0, 'utf8'))
const browser = await Browser.start(given)
try {
  const seen = await SCENARIOS[process.argv[2]](browser, given)
  console.log(JSON.stringify({ ...seen, complaints: browser.complaints }))
} catch (error) {
  console.error(browser.complaints.join('\n'))
  for (const context of browser.browser.contexts()) {
    for (const page of context.pages()) await browser.picture(page, `broken-${process.argv[2]}`).catch(() => {})
  }
  throw error
} finally {
  await browser.browser.close()
}
