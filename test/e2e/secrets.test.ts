import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gitRepository } from '../support/git-repository.ts'
import { finished, register, startUp } from '../support/installation.ts'
import { openBrowser, openPage, signInPage, skipBrowser as skip } from '../support/pages/browser.ts'

const DAY_MS = 86_400_000
const LEAK = 'leaked-on-the-page-77'

test('the page says what holds for a secret, and shows a log anew that is redacted while it is looked at', {
  skip,
}, async () => {
  const file = { steps: [{ name: 'leak', command: `print ${LEAK}` }] }
  await using source = await gitRepository({ files: { 'narwhal.yml': JSON.stringify(file) } })
  await using narwhal = await startUp()
  const { client, url } = narwhal
  const { forge } = await register(narwhal, source.path)
  await using browser = await openBrowser()
  const { page, complaints } = await openPage(browser)
  await signInPage(page, narwhal)

  const expiresAt = Date.now() + 5 * DAY_MS
  await client.setSecret('ENDING', { value: 'canary-value', expiresAt, runners: ['label:box'] })
  await page.goto(`${url}/settings`)
  const row = page.getByRole('row', { name: /ENDING/ })
  await row.getByText(/expires on 20\d\d-\d\d-\d\d/).waitFor()
  await row.getByText(/for label:box/).waitFor()
  await page.getByLabel('Secret name').fill('COMMON')
  await page.getByLabel('Secret value').fill('docker')
  await page.getByRole('button', { name: 'Save secret' }).click()
  await page.getByText(/the value is a common word/).waitFor()
  await page.getByLabel('Secret name').fill('COMMON')
  await page.getByLabel('Secret value').fill('docker')
  await page.getByLabel('Don’t mask in logs').check()
  await page.getByRole('button', { name: 'Save secret' }).click()
  await page
    .getByRole('row', { name: /COMMON/ })
    .getByText('not masked')
    .waitFor()

  const { id } = await client.startPipeline({ repository: forge.fullName })
  const { jobs } = await finished(narwhal, id)
  const [job] = jobs
  assert.ok(job)
  await page.goto(`${url}/pipelines/${id}`)
  const log = page.getByRole('log')
  await log.getByText(LEAK).waitFor()
  await client.call('redactLog', { params: { job: job.id, attempt: 1 }, body: {} })
  await log.getByText(/the text of this step was redacted by/).waitFor()
  assert.equal(await log.getByText(LEAK).count(), 0)
  assert.deepEqual(complaints, [])
})
