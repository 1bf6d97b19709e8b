import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { openBrowser, skipBrowser } from './browser.ts'
import { openSeeded } from './seeded-narwhal.ts'
import { openShot, type Shot, shotsOf } from './shots.ts'

const SIZES = { desktop: { width: 1360, height: 860 }, phone: { width: 390, height: 844 } } as const

/** `npm run screenshots -- [FOLDER] [WORD …]`: pages whose name contains a word, in both themes and sizes. */
async function main(folder = 'screenshots', ...words: string[]): Promise<void> {
  if (skipBrowser) throw new Error(skipBrowser)
  await mkdir(folder, { recursive: true })
  await using narwhal = await openSeeded()
  await using browser = await openBrowser()
  for (const colorScheme of ['light', 'dark'] as const) {
    for (const [size, viewport] of Object.entries(SIZES)) {
      const page = await browser.newPage({ colorScheme, viewport })
      for (const shot of shotsOf(narwhal.seeded)) {
        const name = `${shot.name}-${size}-${colorScheme}`
        if (words.length > 0 && !words.some((word) => name.includes(word))) continue
        await take(page, narwhal.url, shot, join(folder, `${name}.png`))
      }
      await page.close()
    }
  }
}

async function take(page: Page, url: string, shot: Shot, file: string): Promise<void> {
  await openShot(page, url, shot)
  if (!shot.isSignedOut) {
    await page.getByText('Live', { exact: true }).first().waitFor({ state: 'attached' })
  }
  await page.waitForLoadState('networkidle')
  await page.screenshot({ path: file })
  console.log(file)
}

await main(...process.argv.slice(2))
