import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { findProgram } from '../services/programs.ts'

const CHROMIUM = findProgram('chromium')

export const uiFolder = fileURLToPath(new URL('../../../ui/dist', import.meta.url))

/** Why tests with a browser can't run here, or false. */
export const skipBrowser = !CHROMIUM
  ? 'no chromium here (apt-get install chromium)'
  : !existsSync(uiFolder)
    ? 'the pages are not built (npm run build)'
    : false

/** `await using browser = await openBrowser()`: Debian's Chromium, headless. */
export async function openBrowser(): Promise<Browser & AsyncDisposable> {
  const browser = await chromium.launch({
    executablePath: CHROMIUM ?? 'chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
  return Object.assign(browser, { [Symbol.asyncDispose]: () => browser.close() })
}

/** Signs a page's browser in, with an administrator's token. */
export async function signInPage(
  page: Page,
  { url, token }: { readonly url: string; readonly token: string },
): Promise<void> {
  const answer = await page.request.post(`${url}/api/v1/session`, { data: { token } })
  assert.ok(answer.ok(), await answer.text())
}

/** A page that records what went wrong in it: script errors, and violations of the policy. */
export async function openPage(
  browser: Browser,
  options: BrowserContextOptions = {},
): Promise<{ page: Page; complaints: string[] }> {
  const page = await browser.newPage(options)
  page.setDefaultTimeout(20_000)
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text())
  })
  return { page, complaints }
}
