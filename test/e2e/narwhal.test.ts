import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { gitRepository } from '../support/git-repository.ts'
import { startUp } from '../support/installation.ts'
import { openBrowser, openPage, skipBrowser as skip } from '../support/pages/browser.ts'
import {
  byKeys,
  keys,
  type On,
  readWideLine,
  signIn,
  signOut,
  tokens,
} from '../support/pages/flows.ts'

const PIPELINE = `name: shop
jobs:
  build:
    outputs: [version]
    steps:
      - name: make
        command: seq 1 300; echo version=1.4.2 >> "$NARWHAL_OUTPUT"
  test:
    needs: [build]
    steps:
      - name: prepare
        command: echo ready
      - name: check
        command: |
          seq 1 200
          printf 'first \\033[31mError: boom\\033[0m\\n'
          seq 1 400
          exit 3
  deploy:
    needs: [test]
    steps:
      - echo never
`

const SLOW = `steps:
  - name: wait
    command: echo begun; sleep 600
`

/** One line of 50 MB, between two others. */
const WIDE = `steps:
  - name: wide
    command: |
      echo before
      head -c 50000000 /dev/zero | tr '\\0' 'x'; echo
      echo behind
`

test('a whole Narwhal is used from its pages', { skip }, async (t) => {
  await using repository = await gitRepository({ files: { 'narwhal.yml': PIPELINE } })
  await repository.branch('slow')
  await repository.commit({ 'narwhal.yml': SLOW }, 'Wait for long')
  await repository.branch('wide')
  await repository.commit({ 'narwhal.yml': WIDE }, 'Print a line')
  await repository.git('checkout', '--quiet', 'main')
  // Others can reach it, so that one has to sign in.
  await using narwhal = await startUp({ executor: 'process:', slots: '1', host: '0.0.0.0' })
  await using browser = await openBrowser()
  const { page, complaints } = await openPage(browser)
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
  const url = narwhal.url.replace('0.0.0.0', '127.0.0.1')
  const on = { page, url, folder: repository.path }
  await t.test('one signs in with the first token', () => signIn(on, narwhal.token))
  await t.test('a repository is added', () => addRepository(on))
  await t.test('a pipeline is started by hand, and its graph shows how it went', () => start(on))
  await t.test('the log is searched, linked, timed, wrapped, folded and copied', () => readLog(on))
  await t.test('time and config are told', () => lookAround(on))
  await t.test('a job and a pipeline are run again', () => rerun(on))
  await t.test('what waits says why, and is cancelled', () => waitAndCancel(on))
  await t.test('a list is filtered by its URL', () => filter(on))
  await t.test('a runner is drained and resumed', () => drain(on))
  await t.test('trends are drawn', () => trends(on))
  await t.test('users and their tokens are made and removed', () => tokens(on))
  await t.test('all of it is reached by keys', () => keys(on))
  await t.test('a pipeline is started, cancelled and run again by keys alone', () => byKeys(on))
  await t.test('a line of 50 MB harms nobody', () => readWideLine(on))
  await t.test('one signs out, and sees nothing any more', () => signOut(on))
  // The browser itself notes what was refused: a token, a folder that is no repository, to go without an admin; and that a network came.
  assert.deepEqual(
    complaints.filter((words) => !/status of (?:400|401|409)|ERR_NETWORK_CHANGED/.test(words)),
    [],
  )
})

async function addRepository({ page, url, folder }: On): Promise<void> {
  await page.goto(`${url}/repositories`)
  await page.getByText('No repositories yet').waitFor()
  await page.getByRole('button', { name: 'Add repository' }).click()
  await page.getByLabel('Clone URL').fill('/nowhere/at/all')
  await page.getByRole('button', { name: 'Add', exact: true }).click()
  await page.getByRole('alert').waitFor()
  await page.getByLabel('Clone URL').fill(folder)
  await page.getByLabel('Name').fill('ada/shop')
  await page.getByRole('button', { name: 'Add', exact: true }).click()
  await page.getByText('ada/shop added').waitFor()
  await page.getByText('Narwhal polls for new commits').waitFor()
  await page.getByRole('button', { name: 'Done' }).click()
  await page.getByRole('link', { name: 'ada/shop' }).waitFor()
}

async function start({ page, url }: On): Promise<void> {
  await page.goto(url)
  await page.getByText('No pipelines yet').waitFor()
  await page.getByRole('button', { name: 'Start pipeline' }).click()
  await page.getByLabel('Branch, tag or commit').fill('main')
  await page.getByRole('button', { name: 'Start', exact: true }).click()
  const graph = page.getByRole('group', { name: 'Jobs and their dependencies' })
  await graph.getByRole('link', { name: /Failure\s*test/ }).waitFor()
  await graph.getByRole('link', { name: /Skipped\s*deploy/ }).waitFor()
  await graph.getByRole('link', { name: /build/ }).click()
  await page.getByRole('region', { name: 'Outputs' }).getByText('1.4.2').waitFor()
  await graph.getByRole('link', { name: /Failure\s*test/ }).click()
  await page.getByRole('heading', { name: 'test', exact: true }).first().waitFor()
  await eventually(async () => {
    const icon = await page.locator('link[rel="icon"]').getAttribute('href')
    return icon?.includes(encodeURIComponent('#d4444c')) ?? false
  })
}

async function readLog({ page }: On): Promise<void> {
  const log = page.getByRole('log')
  await log.getByText('exit code 3').first().waitFor()
  await page.getByRole('button', { name: 'First error' }).click()
  await log.getByText('Error: boom').waitFor()
  const search = page.getByRole('searchbox', { name: 'Search log' })
  await search.fill('boom')
  await page.getByText('1 of 1', { exact: true }).waitFor()
  assert.equal(await log.locator('.a-mark').textContent(), 'boom')
  await search.fill('40')
  // 40, 140, 40, 140, 240, 340, 400 in the second step.
  await page.getByText(/^1 of 7$/).waitFor()
  await search.press('Enter')
  await page.getByText(/^2 of 7$/).waitFor()
  await log.locator('.line.is-found .line-number').click()
  await eventually(() => new URL(page.url()).hash === '#L141')
  await search.fill('')
  await page.goto(`${page.url().split('#')[0]}#L201-L203`)
  await page.reload()
  await eventually(async () => (await log.locator('.is-linked').count()) === 3)
  await page.getByRole('button', { name: 'Copy', exact: true }).click()
  await page.getByRole('button', { name: 'Copied 3' }).waitFor()
  const copied = await page.evaluate('navigator.clipboard.readText()')
  assert.equal(copied, '200\nfirst Error: boom\n1\n')
  const times = page.getByLabel('Timestamps')
  await times.selectOption('clock')
  await log
    .locator('.line time')
    .filter({ hasText: /^\d\d:\d\d:\d\d\.\d{3}$/ })
    .first()
    .waitFor()
  await times.selectOption('delta')
  await log.locator('.line time').filter({ hasText: /^\+\d/ }).first().waitFor()
  await page.getByRole('button', { name: 'Wrap' }).click()
  await log.getByText('Error: boom').waitFor()
  await page.getByRole('button', { name: 'Wrap' }).click()
  await times.selectOption('none')
  const head = log.getByRole('button', { name: /prepare/ }).last()
  await log.evaluate((box) => box.scrollTo(0, 0))
  await log.getByText('ready', { exact: true }).waitFor()
  await head.click()
  await log.getByText('ready', { exact: true }).waitFor({ state: 'detached' })
  const download = page.waitForEvent('download')
  await page.getByRole('link', { name: 'Download' }).click()
  assert.match((await download).suggestedFilename(), /^job_.*-1\.log$/)
}

async function lookAround({ page }: On): Promise<void> {
  await page.getByRole('link', { name: 'Time', exact: true }).click()
  await page.getByRole('region', { name: 'test' }).getByText('wait for a runner').waitFor()
  assert.ok((await page.locator('.span.is-critical').count()) > 3)
  const fold = page.getByRole('region', { name: 'test' }).getByRole('heading').first()
  await fold.click()
  await page
    .getByRole('region', { name: 'test' })
    .getByText('wait for a runner')
    .waitFor({ state: 'hidden' })
  await fold.click()
  await page.getByRole('link', { name: 'Config', exact: true }).click()
  await page.getByText('seq 1 300').waitFor()
  await page
    .locator('.placement summary')
    .getByText(/^Runner/)
    .waitFor()
}

async function rerun({ page }: On): Promise<void> {
  await page.getByRole('button', { name: 'Rerun job' }).click()
  await page.getByRole('link', { name: 'Attempt 2' }).waitFor()
  await page.getByRole('button', { name: 'Rerun', exact: true }).waitFor()
  await page.getByRole('link', { name: 'Attempt 1' }).click()
  await eventually(() => new URL(page.url()).searchParams.get('attempt') === '1')
  await page.getByRole('log').getByText('exit code 3').first().waitFor()
  await page.getByRole('button', { name: 'Rerun', exact: true }).click()
  await page.getByText('Rerun of an earlier pipeline').waitFor()
  await page.getByText('#2', { exact: true }).waitFor()
}

async function waitAndCancel({ page, url }: On): Promise<void> {
  for (const _ of [1, 2]) {
    await page.goto(url)
    await page.getByRole('button', { name: 'Start pipeline' }).click()
    await page.getByLabel('Branch, tag or commit').fill('slow')
    await page.getByRole('button', { name: 'Start', exact: true }).click()
    await page.getByText('Started by admin').waitFor()
  }
  await page.getByText(/#1 in queue: the only slot of/).waitFor()
  await page.goto(`${url}/queue`)
  await page.getByText('the only slot of').waitFor()
  await page.goto(`${url}/?status=running`)
  await page.getByRole('region', { name: 'Running now' }).waitFor()
  const rows = page.getByRole('list', { name: 'Pipelines, newest first' }).getByRole('listitem')
  await eventually(async () => (await rows.count()) === 2)
  for (const left of [1, 0]) {
    const cancel = async () => {
      if ((await rows.count()) <= left) return true
      // Where others make networks meanwhile, Chromium breaks off what is under way.
      await rows.first().getByRole('button', { name: 'Cancel' }).click({ timeout: 1_000 })
      return false
    }
    await eventually(() => cancel().catch(() => false))
  }
  await page.getByText('No pipelines match').waitFor()
}

async function filter({ page, url }: On): Promise<void> {
  await page.goto(`${url}/?status=cancelled&ref=slow&repository=ada%2Fshop`)
  const rows = page.getByRole('list', { name: 'Pipelines, newest first' }).getByRole('listitem')
  await eventually(async () => (await rows.count()) === 2)
  await page.getByLabel('Status', { exact: true }).selectOption('failure')
  await page.getByText('No pipelines match').waitFor()
  await page.getByRole('searchbox', { name: 'Branch or tag' }).fill('main')
  await eventually(async () => (await rows.count()) === 2)
  const { searchParams } = new URL(page.url())
  assert.deepEqual([searchParams.get('status'), searchParams.get('ref')], ['failure', 'main'])
}

async function drain({ page, url }: On): Promise<void> {
  await page.goto(`${url}/runners`)
  await page.getByRole('region', { name: 'Placements' }).waitFor()
  await page.getByRole('button', { name: 'Drain' }).click()
  await page.getByText('Draining').waitFor()
  await page.getByRole('button', { name: 'Resume' }).click()
  await page.getByText('Online').waitFor()
}

async function trends({ page, url }: On): Promise<void> {
  await page.goto(`${url}/repositories`)
  await page.getByRole('link', { name: 'ada/shop' }).click()
  const choice = page.getByLabel('Show durations of')
  await page
    .getByRole('figure', { name: /^Pipeline duration/ })
    .locator('canvas')
    .waitFor()
  await choice.selectOption('test')
  await page.getByRole('figure', { name: 'Steps of test' }).getByText('check').waitFor()
}
