import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { eventually } from '../support/eventually.ts'
import { findBarriers } from '../support/pages/axe.ts'
import { openBrowser, openPage, skipBrowser as skip } from '../support/pages/browser.ts'
import { openSeeded } from '../support/pages/seeded-narwhal.ts'
import { openShot, type Shot, shotsOf } from '../support/pages/shots.ts'

/** What the first page may bring over the network, all requests together. */
const MOST_BYTES = 250 * 1024

test('all pages can be used by everybody', { skip }, async (t) => {
  await using narwhal = await openSeeded()
  await using browser = await openBrowser()
  const { url } = narwhal
  const { page, complaints } = await openPage(browser)
  const foreign: string[] = []
  page.on('request', (request) => {
    if (!request.url().startsWith(url) && !request.url().startsWith('data:')) {
      foreign.push(request.url())
    }
  })
  for (const shot of shotsOf(narwhal.seeded)) {
    await t.test(`nothing is in the way on the page ${shot.name}`, () => see(page, url, shot))
  }
  await page.close()
  // The browser itself notes what the page of those is told who have not signed in.
  assert.deepEqual(
    complaints.filter((words) => !words.includes('status of 401')),
    [],
  )
  assert.deepEqual(foreign, [], 'nothing is asked of other servers')
  await t.test('the first load is small, and a second one is kept', () => measure(browser, url))
})

/** Looks at a page in light and dark, and on a phone. */
async function see(page: Page, url: string, shot: Shot): Promise<void> {
  await page.setViewportSize({ width: 1280, height: 720 })
  await openShot(page, url, shot)
  const barriers: string[] = []
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme })
    barriers.push(...(await findBarriers(page)).map((one) => `${colorScheme}: ${one}`))
  }
  assert.deepEqual(barriers, [])
  await page.setViewportSize({ width: 390, height: 844 })
  // Plots are drawn anew for another width.
  await eventually(
    () => page.evaluate<boolean>('document.documentElement.scrollWidth <= innerWidth'),
    { message: 'no more width than a phone has' },
  )
}

async function measure(browser: Browser, url: string): Promise<void> {
  const { page } = await openPage(browser)
  const session = await page.context().newCDPSession(page)
  await session.send('Network.enable')
  let bytes = 0
  session.on('Network.loadingFinished', ({ encodedDataLength }) => {
    bytes += encodedDataLength
  })
  await page.goto(url)
  await page.locator('.row').first().waitFor()
  await page.waitForLoadState('networkidle')
  assert.ok(bytes > 50_000 && bytes < MOST_BYTES, `${bytes} bytes were transferred`)
  const first = bytes
  await page.reload()
  await page.locator('.row').first().waitFor()
  assert.ok(bytes - first < first / 2, `${bytes - first} bytes were transferred again`)
  await page.close()
}
