import assert from 'node:assert/strict'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { tempDir } from '#root/test/support/temp-dir.ts'
import { openWebStage } from '#root/test/support/web-stage.ts'

async function makeApp() {
  const dir = await tempDir()
  await mkdir(dir.join('assets'))
  await writeFile(dir.join('index.html'), '<!doctype html><title>app</title>')
  await writeFile(dir.join('favicon.svg'), '<svg xmlns="http://www.w3.org/2000/svg"/>')
  await writeFile(dir.join('assets', 'index-abc123.js'), 'console.log(1)')
  return dir
}

/** What the header of the app links to: each must also answer when it is opened or loaded anew. */
async function linkedPages(): Promise<readonly string[]> {
  const header = new URL('../../ui/src/parts/header.tsx', import.meta.url)
  const pages = [...(await readFile(header, 'utf8')).matchAll(/\bto: '([^']+)'/g)]
  assert.ok(pages.length >= 7)
  return pages.map(([, path]) => path ?? '')
}

test("serves the app at each of its paths, under a policy that allows only the server's own", async () => {
  await using app = await makeApp()
  await using web = await openWebStage({ uiFolder: app.path })
  for (const path of [
    '/pipelines/pipeline_1',
    '/repositories/ada%2Fbox',
    ...(await linkedPages()),
  ]) {
    const page = await fetch(web.url + path)
    assert.equal(page.status, 200, path)
    assert.match(page.headers.get('content-type') ?? '', /^text\/html/)
    assert.match(await page.text(), /<title>app/)
    const policy = page.headers.get('content-security-policy') ?? ''
    assert.match(policy, /default-src 'self'/)
    assert.match(policy, /frame-ancestors 'none'/)
    assert.doesNotMatch(policy, /unsafe/)
    assert.equal(page.headers.get('x-content-type-options'), 'nosniff')
    assert.equal(page.headers.get('referrer-policy'), 'no-referrer')
    assert.equal(page.headers.get('cache-control'), 'no-cache')
  }
})

test('lets assets be kept for ever, and nothing else be had', async () => {
  await using app = await makeApp()
  await writeFile(app.join('secret.txt'), 'secret')
  await using web = await openWebStage({ uiFolder: app.path })
  const asset = await fetch(`${web.url}/assets/index-abc123.js`)
  assert.equal(asset.status, 200)
  assert.match(asset.headers.get('cache-control') ?? '', /max-age=31536000, immutable/)
  assert.equal(asset.headers.get('x-content-type-options'), 'nosniff')
  assert.equal((await fetch(`${web.url}/favicon.svg`)).status, 200)
  for (const path of ['/assets/none.js', '/secret.txt', '/assets/..%2fsecret.txt', '/assets/']) {
    assert.ok([403, 404].includes((await fetch(web.url + path)).status), path)
  }
})

test('says how to build the app when it is not built', async () => {
  await using web = await openWebStage()
  const page = await fetch(`${web.url}/`)
  assert.equal(page.status, 503)
  assert.match(await page.text(), /npm run build/)
})
