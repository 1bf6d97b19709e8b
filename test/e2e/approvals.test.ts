import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PipelineView } from '../../src/contract/rest/views.ts'
import { eventually } from '../support/eventually.ts'
import { gitRepository } from '../support/git-repository.ts'
import { deliver, pullCommit, pullRequestPayload } from '../support/github.ts'
import {
  finished,
  type Installation,
  pipelineOf,
  type Registered,
  register,
  startUp,
} from '../support/installation.ts'
import { findBarriers } from '../support/pages/axe.ts'
import { openBrowser, openPage, signInPage, skipBrowser as skip } from '../support/pages/browser.ts'

const CHECK = { steps: ['print ran'] }
const FILE = JSON.stringify({ jobs: { check: CHECK, lint: CHECK } })
const THEIRS = JSON.stringify({ jobs: { check: CHECK } })
const HOURS = 3

test('what strangers have sent is looked at, and approved from its page and from the list', {
  skip,
}, async () => {
  await using source = await gitRepository({ files: { 'narwhal.yml': FILE } })
  await using narwhal = await startUp()
  const repository = await register(narwhal, source.path, { name: 'ada/guarded' })
  await using browser = await openBrowser()
  const { page, complaints } = await openPage(browser)
  await signInPage(page, narwhal)
  // As one would see it some hours later.
  await page.clock.setFixedTime(Date.now() + HOURS * 3_600_000)
  await page.goto(`${narwhal.url}/approvals`)
  await page.getByText('Nothing to approve').waitFor()
  assert.deepEqual(await findBarriers(page), [])

  // Both come to the list by themselves.
  const [one, other] = [await tell(1), await tell(2)]
  const list = page.getByRole('list', { name: /Waiting for approval/ })
  const rowOf = ({ number }: PipelineView) =>
    list.getByRole('listitem').filter({ hasText: `ada/guarded #${number}` })
  for (const waiting of [one, other]) {
    const row = rowOf(waiting)
    await row.getByText(waiting.event.sha.slice(0, 8)).waitFor()
    await row.getByText(`${HOURS} h ago`).waitFor()
    await row.getByText('its head is in another repository').waitFor()
    await row.getByText('Changes 2 files; pipeline files: narwhal.yml').waitFor()
    assert.equal(await row.locator('code[title]').getAttribute('title'), waiting.event.sha)
  }
  assert.deepEqual(await findBarriers(page), [])
  const size = page.viewportSize() ?? { width: 1280, height: 720 }
  await page.setViewportSize({ width: 390, height: 844 })
  await eventually(
    () => page.evaluate<boolean>('document.documentElement.scrollWidth <= innerWidth'),
    { message: 'no more width than a phone has' },
  )
  await page.setViewportSize(size)

  await rowOf(one).getByRole('link').click()
  const notice = page.getByText('Nothing runs until a member approves it.')
  await notice.waitFor()
  assert.ok((await notice.textContent())?.includes(one.event.sha))
  assert.deepEqual(await findBarriers(page), [])
  // What is run comes first and is marked, and what it leaves out is told before anybody approves.
  await page.getByText('pipeline file', { exact: true }).waitFor()
  assert.deepEqual(await page.locator('.changed-files code').allTextContents(), [
    'narwhal.yml',
    'stamp',
  ])
  await page.getByText('no merge of its author is known from webhooks').waitFor()
  assert.match((await page.locator('.missing-jobs').textContent()) ?? '', /1 job missing: lint/)
  await page.getByRole('button', { name: /^Approve and run/ }).click()
  await notice.waitFor({ state: 'detached' })
  assert.equal((await finished(narwhal, one.id)).pipeline.outcome, 'success')
  assert.equal(await page.getByRole('button', { name: /^Approve/ }).count(), 0)

  await page.goto(`${narwhal.url}/approvals`)
  await rowOf(other).waitFor()
  assert.equal(await rowOf(one).count(), 0)
  const approveChosen = page.getByRole('button', { name: 'Approve selected' })
  await approveChosen.click()
  await page.getByText('Select pipelines to approve.').waitFor()
  await rowOf(other).getByRole('checkbox').check()
  await approveChosen.click()
  await page.getByText('Nothing to approve').waitFor()
  assert.equal((await finished(narwhal, other.id)).pipeline.outcome, 'success')
  assert.deepEqual(complaints, [])

  async function tell(number: number): Promise<PipelineView> {
    const files = { stamp: String(number), 'narwhal.yml': THEIRS }
    return await waitingOf(narwhal, repository, await pullCommit(source, number, files))
  }
})

/** The pipeline of somebody's pull request, once it is planned and waits. */
async function waitingOf(
  narwhal: Installation,
  { forge, secret }: Registered,
  commit: Awaited<ReturnType<typeof pullCommit>>,
): Promise<PipelineView> {
  const payload = pullRequestPayload(forge, { ...commit, headRepositoryId: 999 })
  const { body } = await deliver(narwhal.agentUrl, { event: 'pull_request', payload, secret })
  const { id } = await pipelineOf(narwhal, body.eventId)
  return await eventually(async () => {
    const { pipeline } = await narwhal.client.getPipeline(id)
    return pipeline.approval?.status === 'needed' ? pipeline : null
  })
}
