import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Page } from 'playwright-core'
import { eventually } from '../support/eventually.ts'
import { openBrowser, openPage, skipBrowser as skip } from '../support/pages/browser.ts'
import { openPlainWeb } from '../support/pages/plain-web.ts'

/** Runs in each page before its own scripts: notes what moves without anybody having touched it. */
const WATCH = `
  window.moves = []
  new PerformanceObserver((list) => {
    for (const { value, hadRecentInput, sources } of list.getEntries()) {
      // A number that ticks grows in its place, by a thousandth of that.
      if (hadRecentInput || value < 0.0005) continue
      const what = sources.map(({ node, previousRect, currentRect }) =>
        (node?.className || node?.nodeName) + ' ' + [previousRect, currentRect].map(({ y, height }) => y + '+' + height).join(' to '))
      moves.push(value.toFixed(4) + ': ' + what.join('; '))
    }
  }).observe({ type: 'layout-shift', buffered: true })`

/** What has moved since it was asked last, once all is drawn. */
async function movesOf(page: Page): Promise<string[]> {
  return await page.evaluate<string[]>(
    `new Promise((done) => requestAnimationFrame(() => setTimeout(() => done(moves.splice(0)), 100)))`,
  )
}

test('nothing moves on a page while it is live', { skip }, async (t) => {
  await using web = await openPlainWeb()
  await using browser = await openBrowser()
  const { page } = await openPage(browser)
  await page.addInitScript(WATCH)
  const { stage, url } = web
  const repository = await stage.addRepository()
  for (let n = 0; n < 60; n++) await stage.addPipeline(repository.id, { title: `Change ${n}` })
  const created = await stage.addPipeline(repository.id, { title: 'The one' })
  const rows = page.getByRole('listitem').filter({ hasText: 'The one' })

  await t.test('the list', async () => {
    await page.goto(url)
    await rows.getByText('Pending').waitFor()
    await page.getByText('Live', { exact: true }).waitFor()
    await movesOf(page)
    const { pipeline, jobs } = await stage.plan(created, [{ name: 'build', steps: STEPS }])
    await rows.getByText('Running').waitFor()
    await page.getByRole('region', { name: 'Running now' }).getByText('The one').waitFor()
    const [job] = jobs
    assert.ok(job)
    await stage.finish(await stage.start(job), 'failure')
    await stage.end(pipeline, 'failure')
    await rows.getByText('Failure').waitFor()
    assert.deepEqual(await movesOf(page), [])
  })

  await t.test('the list, where one reads further down, when a pipeline comes', async () => {
    await page.getByText('Change 30', { exact: true }).scrollIntoViewIfNeeded()
    const row = page.getByRole('listitem').filter({ hasText: 'Change 30' })
    // Chromium counts its own holding still as moving, so the row is looked at in each frame.
    await page.evaluate(`{
      const row = [...document.querySelectorAll('.row')].find((one) => one.textContent.includes('Change 30'))
      window.places = new Set()
      const look = () => {
        places.add(Math.round(row.getBoundingClientRect().y))
        requestAnimationFrame(look)
      }
      look()
    }`)
    await stage.addPipeline(repository.id, { title: 'A new one' })
    await eventually(async () => (await row.getAttribute('aria-setsize')) === '62')
    await movesOf(page)
    assert.equal(await page.evaluate('places.size'), 1)
  })

  await t.test('a pipeline, from its plan to its end', async () => {
    const fresh = await stage.addPipeline(repository.id, { title: 'Another' })
    const planned = await stage.plan(fresh, [
      { name: 'build', steps: STEPS },
      { name: 'test', needs: ['build'], steps: STEPS },
    ])
    const [build] = planned.jobs
    assert.ok(build)
    await page.goto(`${url}/pipelines/${fresh.id}`)
    await page.locator('.graph .node').first().waitFor()
    await page.getByText('Live', { exact: true }).waitFor()
    await page.getByText('0 lines').waitFor()
    await movesOf(page)
    const started = await stage.start(build)
    await page.locator('.placement strong').waitFor()
    for (let n = 0; n < 5; n++) {
      const texts = Array.from({ length: 50 }, (_, index) => `line ${n * 50 + index}`)
      await stage.print(started, n * 50, texts)
      await page.getByText(`line ${n * 50 + 49}`, { exact: true }).waitFor()
    }
    await stage.finish(started, 'failure')
    await stage.end(planned.pipeline, 'failure')
    await page.getByRole('log').getByText('exit code 1').waitFor()
    await page.getByRole('button', { name: 'Rerun', exact: true }).waitFor()
    assert.deepEqual(await movesOf(page), [])
  })
})

const STEPS = [{ name: 'test', command: 'npm test', dependencies: [], env: {} }]
