import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Browser } from 'playwright-core'
import { findBarriers } from '../support/pages/axe.ts'
import { openBrowser, openPage, skipBrowser as skip } from '../support/pages/browser.ts'
import { openSeeded } from '../support/pages/seeded-narwhal.ts'
import { type Shot, shotsOf } from '../support/pages/shots.ts'

/** What the first page may bring over the network, all requests together. */
const MOST_BYTES = 250 * 1024

test('all pages can be used by everybody', { skip }, async (t) => {
  await using narwhal = await openSeeded()
  await using browser = await openBrowser()
  const { url } = narwhal
  const shots = shotsOf(narwhal.seeded)
  for (const theme of ['light', 'dark'] as const) {
    await t.test(`no page has a serious barrier when ${theme}`, () =>
      seeAll(browser, url, shots, theme),
    )
  }
  await t.test('no page is wider than a phone', () => seeOnPhone(browser, url, shots))
  await t.test('the first load is small, and a second one is kept', () => measure(browser, url))
})

async function seeAll(
  browser: Browser,
  url: string,
  shots: readonly Shot[],
  colorScheme: 'light' | 'dark',
): Promise<void> {
  const { page, complaints } = await openPage(browser, { colorScheme })
  // What is dark differs in its colours only.
  const only = colorScheme === 'dark' ? 'color-contrast' : undefined
  const barriers: string[] = []
  for (const { name, path, see } of shots) {
    await page.goto(url + path)
    await page.locator(see).first().waitFor()
    barriers.push(...(await findBarriers(page, only)).map((one) => `${name}: ${one}`))
  }
  await page.close()
  assert.deepEqual(barriers, [])
  assert.deepEqual(complaints, [])
}

async function seeOnPhone(browser: Browser, url: string, shots: readonly Shot[]): Promise<void> {
  const { page } = await openPage(browser, { viewport: { width: 390, height: 844 } })
  const foreign: string[] = []
  page.on('request', (request) => {
    if (!request.url().startsWith(url) && !request.url().startsWith('data:')) {
      foreign.push(request.url())
    }
  })
  const wide: string[] = []
  for (const { name, path, see } of shots) {
    await page.goto(url + path)
    await page.locator(see).first().waitFor()
    if (await page.evaluate('document.documentElement.scrollWidth > innerWidth')) wide.push(name)
  }
  await page.close()
  assert.deepEqual(wide, [])
  assert.deepEqual(foreign, [], 'nothing is asked of other servers')
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
