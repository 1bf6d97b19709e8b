import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Page } from 'playwright-core'
import type { LogLine } from '../../src/contract/rest/views.ts'
import type { CommitEvent } from '../../src/core/commit-event.ts'
import type { RepositoryId } from '../../src/core/ids.ts'
import type { Job } from '../../src/core/job/job.ts'
import { newId } from '../../src/lib/new-id.ts'
import { eventually } from '../support/eventually.ts'
import { logAppend } from '../support/log-append.ts'
import { openBrowser, openPage, skipBrowser as skip } from '../support/pages/browser.ts'
import { openPlainWeb } from '../support/pages/plain-web.ts'
import type { Stage } from '../support/stage.ts'

const LINES = 1_000_000
const BATCH = 50_000

/** Hundred characters a line: 100 MB in all. */
const textOf = (number: number) =>
  number === 700_000 ? 'here is the needle' : `line ${number} `.padEnd(100, 'abcdefgh ')

async function printAll(stage: Stage, job: Job): Promise<void> {
  const at = Date.now()
  for (let from = 0; from < LINES; from += BATCH) {
    const lines = Array.from({ length: BATCH }, (_, index): LogLine => {
      const number = from + index
      return { number, step: 0, at: at + number, stream: 'stdout', text: textOf(number) }
    })
    const log = { jobId: job.id, attempt: 1, fence: 1, lastSeq: from + BATCH }
    await stage.store.transact((write) => write.logs.append(logAppend(log, lines)))
  }
}

test('a log of a million lines is read at any place', { skip }, async () => {
  await using web = await openPlainWeb()
  const { pipeline, job } = await web.stage.runJob()
  await printAll(web.stage, job)
  await using browser = await openBrowser()
  const { page, complaints } = await openPage(browser)
  await page.goto(`${web.url}/pipelines/${pipeline.id}`)
  const log = page.getByRole('log')
  await page.getByText('1,000,000 lines').waitFor()
  await log.getByText('line 999999 ').waitFor()
  for (const share of [0.5, 0.1, 0.9, 0]) {
    await log.evaluate((box, to) => {
      box.scrollTop = to * box.scrollHeight
    }, share)
    await eventually(() => isFilled(page, share), { message: `lines at ${share}` })
  }
  await page.goto(`${page.url()}#L500001`)
  await log.getByText('line 500000 ').waitFor()
  await page.getByRole('searchbox', { name: 'Search log' }).fill('the needle')
  await page.getByText('1 of 1', { exact: true }).waitFor()
  await log.getByText('here is the needle').waitFor()
  // Lines that come now don't move what is read.
  await web.stage.print(job, LINES, ['one more'])
  await page.getByText('1,000,001 lines').waitFor()
  await log.getByText('here is the needle').waitFor()
  await page.getByRole('button', { name: 'Jump to end' }).click()
  await log.getByText('one more').waitFor()
  assert.deepEqual(complaints, [])
})

/** Whether the box shows lines of about this part of the log, all of them read, and not too many. */
async function isFilled(page: Page, share: number): Promise<boolean> {
  const texts = await page.locator('.line .text').allTextContents()
  if (texts.length < 20 || texts.length > 200 || texts.some((text) => text === '')) return false
  const number = Number(/^line (\d+)/.exec(texts[Math.floor(texts.length / 2)] ?? '')?.[1])
  return Math.abs(number / LINES - share) < 0.01
}

test('two thousand pipelines are one list', { skip }, async () => {
  await using web = await openPlainWeb()
  const { stage } = web
  const repository = await stage.addRepository()
  await fill(stage, repository.id, 2000)
  await using browser = await openBrowser()
  const { page, complaints } = await openPage(browser)
  await page.goto(web.url)
  await page.getByText('Change number 1999').waitFor()
  const list = page.getByRole('list', { name: 'Pipelines, newest first' })
  const rows = list.getByRole('listitem')
  const goDown = async () => {
    await page.evaluate('scrollTo(0, document.body.scrollHeight)')
    return await page.getByText('Change number 0', { exact: true }).isVisible()
  }
  await eventually(goDown, { timeoutMs: 60_000, message: 'the last row' })
  assert.equal(await rows.last().getAttribute('aria-posinset'), '2000')
  const drawn = await rows.count()
  assert.ok(drawn < 100, `${drawn} rows are drawn`)
  for (const share of [0.5, 0.1, 0.9]) {
    await page.evaluate(`scrollTo(0, ${share} * document.body.scrollHeight)`)
    await eventually(() => isWindowFilled(page), { message: `rows at ${share}` })
  }
  await stage.addPipeline(repository.id, { title: 'The newest' })
  await page.evaluate('scrollTo(0, 0)')
  await page.getByText('The newest').waitFor()
  // By keys one comes to rows that were not drawn.
  for (let n = 0; n < 60; n++) await page.keyboard.press('j')
  await eventually(
    () => page.evaluate<boolean>(`document.activeElement.textContent === 'Change number 1941'`),
    { message: 'the focus on the sixtieth row' },
  )
  await page.getByRole('searchbox', { name: 'Author', exact: true }).fill('Grace')
  await page.getByText('Change number 1998').waitFor({ state: 'detached' })
  await page.getByText('Change number 1999').waitFor()
  assert.deepEqual(complaints, [])
})

/** Events of so many commits and their pipelines, a millisecond apart, in one transaction. */
async function fill(stage: Stage, repositoryId: RepositoryId, count: number): Promise<void> {
  const at = Date.now() - 10_000_000
  const events = Array.from({ length: count }, (_, n): CommitEvent => {
    return {
      id: newId('event'),
      repositoryId,
      kind: 'push',
      ref: 'refs/heads/main',
      sha: (0x10000 + n).toString(16).padStart(40, 'b'),
      title: `Change number ${n}`,
      author: n % 2 === 0 ? 'Ada' : 'Grace',
      trust: {},
      source: 'webhook',
      receivedAt: at + n,
    }
  })
  await stage.store.transact(async (write) => {
    await write.events.accept(events)
    for (const { id: eventId, receivedAt: createdAt } of events) {
      await write.pipelines.create({ id: newId('pipeline'), eventId, phases: [], createdAt })
    }
  })
}

/** Whether rows stand all over the window. */
function isWindowFilled(page: Page): Promise<boolean> {
  const isRowAt = `(y) => document.elementFromPoint(innerWidth / 2, y)?.closest('.row') != null`
  return page.evaluate(`[0.3, 0.6, 0.95].every((share) => (${isRowAt})(share * innerHeight))`)
}
