import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import type { Page } from 'playwright-core'
import { eventually } from '../support/eventually.ts'
import { steadyPort } from '../support/free-port.ts'
import { gitRepository } from '../support/git-repository.ts'
import { type NarwhalProcess, startNarwhal } from '../support/narwhal-process.ts'
import { openBrowser, openPage, signInPage, skipBrowser as skip } from '../support/pages/browser.ts'
import { tempDir } from '../support/temp-dir.ts'
import { clientOf, tokenIn } from '../support/tokens.ts'

/** Prints until the test says that it is enough. */
const pipeline = (stopFile: string) => `steps:
  - name: count
    command: |
      n=0
      while [ ! -e ${stopFile} ]; do n=$((n+1)); echo "tick $n"; sleep 0.02; done
      echo "the last was $n"
`

test('a page goes on where it was when Narwhal is restarted in mid-log', { skip }, async () => {
  await using dir = await tempDir()
  const stopFile = dir.join('enough')
  await using repository = await gitRepository({ files: { 'narwhal.yml': pipeline(stopFile) } })
  const port = String(await steadyPort())
  const url = `http://127.0.0.1:${port}`
  const args = ['up', '--port', port, '--data', dir.join('data'), '--executor', 'process:']
  const start = async (): Promise<NarwhalProcess> => {
    const narwhal = startNarwhal(args)
    const isUp = () => narwhal.said().includes('is up')
    await eventually(isUp, { timeoutMs: 30_000, message: 'narwhal up' })
    return narwhal
  }
  await using first = await start()
  const client = clientOf(url, dir.join('data'), AbortSignal.timeout(120_000))
  await client.addRepository({ name: 'ada/ticks', cloneUrl: repository.path, pollIntervalMs: 0 })
  const { id } = await client.startPipeline({ repository: 'ada/ticks' })
  await using browser = await openBrowser()
  const { page } = await openPage(browser)
  await signInPage(page, { url, token: tokenIn(dir.join('data')) })
  await page.goto(`${url}/pipelines/${id}`)
  const log = page.getByRole('log')
  // The list follows the end, and what it has left behind is not in the page any more.
  await log
    .getByText(/^tick \d+$/)
    .first()
    .waitFor()
  await first.kill('SIGKILL')
  await page.getByText('Reconnecting…').waitFor()
  await using _second = await start()
  await page.getByText('Live', { exact: true }).waitFor()
  await page.getByText('Reconnecting…').waitFor({ state: 'detached' })
  // The runner was killed as well, so the job has a second attempt.
  const again = async () => (await client.getPipeline(id)).jobs[0]?.attempts[1]
  await eventually(async () => ((await again())?.lines ?? 0) > 10, {
    timeoutMs: 60_000,
    message: 'ticks of the second attempt',
  })
  await writeFile(stopFile, '')
  await eventually(async () => (await client.getPipeline(id)).pipeline.status === 'finished', {
    timeoutMs: 60_000,
    message: 'the pipeline to end',
  })
  await page.getByText('Complete', { exact: true }).waitFor()
  const { jobs } = await client.getPipeline(id)
  const [job] = jobs
  assert.ok(job)
  const ref = { jobId: job.id, attempt: job.attempt }
  const { total } = await client.readLog(ref, { from: 0, limit: 1 })
  await page.getByText(`${total.toLocaleString('en')} lines`).waitFor()
  await log.getByText(/^the last was \d+$/).waitFor()
  const shown = await readAll(page, total)
  const ticks = [...shown.values()].flatMap((text) => /^tick (\d+)$/.exec(text)?.[1] ?? [])
  const last = Number(/^the last was (\d+)$/.exec(shown.get(total - 1) ?? '')?.[1])
  assert.deepEqual(
    ticks.map(Number),
    Array.from({ length: last }, (_, index) => index + 1),
  )
})

/** All lines of the log as the page shows them, by their numbers: from its end, screen by screen. */
async function readAll(page: Page, total: number): Promise<Map<number, string>> {
  const log = page.getByRole('log')
  const seen = new Map<number, string>()
  const look = async () => {
    const lines = await log
      .locator('.line')
      .evaluateAll((all) =>
        all.map((line) => [
          Number(line.getAttribute('data-line')),
          line.querySelector('.text')?.textContent ?? '',
        ]),
      )
    for (const [number, text] of lines as [number, string][]) if (text) seen.set(number, text)
    await log.evaluate((box) => box.scrollBy(0, -box.clientHeight / 2))
    return seen.size === total
  }
  await eventually(look, { timeoutMs: 60_000, message: 'all lines' })
  return new Map([...seen].toSorted(([a], [b]) => a - b))
}
