import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Page } from 'playwright-core'
import type { ImageRun } from '../../src/core/attempt/image-run.ts'
import type { Job } from '../../src/core/job/job.ts'
import { eventually } from '../support/eventually.ts'
import { openBrowser, openPage, skipBrowser as skip } from '../support/pages/browser.ts'
import { openPlainWeb } from '../support/pages/plain-web.ts'
import type { WebStage } from '../support/web-stage.ts'

const HOSTILE = '<img src=x onerror="document.title=1"><script>document.title=1</script>'

test('the pages are live, and hostile text in them is only text', { skip }, async (t) => {
  await using web = await openPlainWeb()
  await using browser = await openBrowser()
  const { page, complaints } = await openPage(browser)
  await t.test('an empty list says what to do, and fills by itself', () => seeList(page, web))
  await t.test('a log streams', () => seeLog(page, web))
  await t.test('a runner shows up with its load', () => seeRunners(page, web))
  assert.deepEqual(complaints, [])
})

async function seeList(page: Page, { stage, url }: WebStage): Promise<void> {
  await page.goto(url)
  await page.getByText('./narwhal repo add').waitFor()
  const repository = await stage.addRepository()
  const created = await stage.addPipeline(repository.id, { title: HOSTILE, author: HOSTILE })
  await page.getByRole('listitem').getByText('Pending').waitFor()
  assert.ok((await page.getByRole('listitem').textContent())?.includes(HOSTILE))
  const { pipeline } = await stage.plan(created, [{ name: 'build' }])
  await page.getByRole('listitem').getByText('Running').waitFor()
  await stage.end(pipeline, 'failure')
  await page.getByRole('listitem').getByText('Failure').waitFor()
  await page.getByRole('searchbox').first().fill('nothing is like this')
  await page.getByText('No pipelines match').waitFor()
  assert.equal(new URL(page.url()).searchParams.get('text'), 'nothing is like this')
  assert.equal(await page.title(), 'Pipelines · Narwhal')
}

async function seeLog(page: Page, { stage, url }: WebStage): Promise<void> {
  const { pipeline, job } = await stage.runJob()
  await stage.print(job, 0, [
    'stored before',
    '\x1b[31mred\x1b[0m \x1b]8;;javascript:alert(1)\x07x',
  ])
  await page.goto(`${url}/pipelines/${pipeline.id}`)
  const log = page.getByRole('log')
  await log.getByText('stored before').waitFor()
  assert.equal(await log.locator('.a-fg-1').textContent(), 'red')
  assert.equal(await log.locator('a:not(.line-number), script, img').count(), 0)
  await stage.print(job, 2, [HOSTILE, 'a\0b\x1b[2J\u202e'])
  await log.getByText(HOSTILE).waitFor()
  await log.getByText('a␀b�').waitFor()
  for (let n = 0; n < 20; n++) {
    const texts = Array.from({ length: 100 }, (_, index) => `many ${n * 100 + index}`)
    await stage.print(job, 4 + n * 100, texts)
  }
  await log.getByText('many 1999', { exact: true }).waitFor()
  await eventually(() => log.evaluate(isAtEnd), { message: 'the log to be at its end' })
  await log.hover()
  await page.mouse.wheel(0, -5000)
  const toEnd = page.getByRole('button', { name: 'Jump to end' })
  await toEnd.waitFor()
  await stage.print(job, 2004, ['unseen'])
  assert.equal(await log.evaluate(isAtEnd), false)
  await toEnd.click()
  await eventually(() => log.evaluate(isAtEnd), { message: 'the log to be at its end again' })
  const images = [{ image: 'busybox:latest', digest: `sha256:${'a'.repeat(64)}` }]
  await stage.finish(withImages(job, images), 'failure')
  await stage.end(pipeline, 'failure')
  await log.getByText('exit code 1').waitFor()
  await page.getByText('Complete').waitFor()
  await page
    .getByRole('region', { name: 'Images' })
    .getByText(/^sha256:a{64}$/)
    .waitFor()
  await page.getByRole('button', { name: 'Rerun', exact: true }).waitFor()
  assert.match(await page.title(), /#1 · Narwhal$/)
}

/** Runs in the page. */
function isAtEnd(box: { scrollHeight: number; scrollTop: number; clientHeight: number }): boolean {
  return box.scrollHeight - box.scrollTop - box.clientHeight < 30
}

function withImages(job: Job, images: readonly ImageRun[]): Job {
  const phases = [{ name: 'sandbox', startedAt: 1, durationMs: 1, images }] as const
  return { ...job, attempts: job.attempts.map((attempt) => ({ ...attempt, phases })) }
}

async function seeRunners(page: Page, { stage, url }: WebStage): Promise<void> {
  await page.goto(`${url}/runners`)
  await page.getByText('No runners').waitFor()
  const flawedTools = [{ name: 'runc', version: '1.3.2', holes: ['CVE-2025-31133: a hole'] }]
  const hardware = {
    cpus: 2,
    memoryBytes: 2 ** 30,
    architecture: 'x64',
    operatingSystem: 'linux',
    containers: { how: 'runc 1.1.5, with a user namespace', better: ['install crun'] },
  }
  const about = { slots: 4, busy: 3, flawedTools, hardware }
  const runner = await stage.addRunner({ name: 'build-1', ...about })
  const card = page.getByRole('article', { name: 'Runner build-1' })
  await card.getByText('3 of 4 slots busy').waitFor()
  await card.getByText('Known vulnerabilities: runc 1.3.2').click()
  await card.getByText('CVE-2025-31133: a hole').waitFor()
  await card.getByText('runc 1.1.5, with a user namespace').waitFor({ state: 'attached' })
  await card.getByText('Containers could be started in a better way').click()
  await card.getByText('install crun').waitFor()
  const sample = { runnerId: runner.id, slots: 4, busy: 3, load: 0.5, cpu: 0.42 }
  const memory = { memoryUsedBytes: 2 ** 30, memoryTotalBytes: 2 ** 33, diskFreeBytes: 1 }
  for (const at of [1000, 2000]) {
    stage.tell({ type: 'runner.sampled', sample: { ...sample, ...memory, at } })
  }
  await card.getByText('42%').waitFor()
  await eventually(async () => (await card.locator('canvas').count()) === 2)
}

test('the page comes back by itself and has missed nothing', { skip }, async () => {
  await using web = await openPlainWeb()
  await using browser = await openBrowser()
  const { page } = await openPage(browser)
  const { pipeline, job } = await web.stage.runJob()
  await page.goto(`${web.url}/pipelines/${pipeline.id}`)
  await page.getByText('Live', { exact: true }).waitFor()
  for (const client of web.server.websocketServer.clients) client.terminate()
  await page.getByText('Offline', { exact: true }).waitFor()
  await web.stage.print(job, 0, ['printed meanwhile'])
  await web.stage.finish(job)
  await page.getByText('Live', { exact: true }).waitFor()
  await page.getByText('printed meanwhile').waitFor()
  await page.getByText('Complete').waitFor()
})
