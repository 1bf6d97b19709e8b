import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, symlink } from 'node:fs/promises'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { eventually } from './support/eventually.ts'
import { freePort } from './support/free-port.ts'
import { gitRepository } from './support/git-repository.ts'
import { finished } from './support/installation.ts'
import { tempDir } from './support/temp-dir.ts'
import { clientOf } from './support/tokens.ts'

const run = promisify(execFile)
const root = new URL('..', import.meta.url).pathname

test('the package runs by itself, without the sources and without other packages', async () => {
  await using dir = await tempDir()
  const folder = dir.join('lib/node_modules/narwhal')
  await mkdir(folder, { recursive: true })
  for (const file of ['narwhal', 'package.json']) await cp(`${root}${file}`, `${folder}/${file}`)
  await run(process.execPath, [`${root}scripts/bundle.mjs`, `${folder}/dist`])
  await mkdir(dir.join('bin'))
  await symlink('../lib/node_modules/narwhal/narwhal', dir.join('bin/narwhal'))
  const env = { PATH: `${process.execPath.replace(/\/node$/, '')}:/usr/bin:/bin`, HOME: dir.path }
  const narwhal = dir.join('bin/narwhal')
  const { stdout } = await run(narwhal, ['--help'], { env })
  assert.match(stdout, /dispatcher/)

  const watchdog = run(process.execPath, [`${folder}/dist/watchdog-process.js`], { env })
  watchdog.child.stdin?.end()
  assert.equal((await watchdog).stderr, '')

  const port = await freePort()
  const args = ['up', '--port', String(port), '--data', dir.join('data'), '--executor', 'fake:']
  const child = spawn(narwhal, args, { env, stdio: 'ignore' })
  try {
    const client = clientOf(`http://127.0.0.1:${port}`, dir.join('data'))
    await eventually(
      async () => (await client.listRunners()).some((one) => one.state === 'online'),
      {
        timeoutMs: 30_000,
        message: 'the installed package to be up',
      },
    )
    // Planning needs the second entry point, the parser's thread.
    await using repository = await gitRepository({
      files: { 'narwhal.yml': 'steps: [{ name: a, command: print hello }]' },
    })
    await client.addRepository({ name: 'a/b', cloneUrl: repository.path, pollIntervalMs: 0 })
    const { id } = await client.startPipeline({ repository: 'a/b' })
    const ended = await finished({ client }, id)
    assert.equal(ended.pipeline.outcome, 'success')
  } finally {
    child.kill('SIGTERM')
    await once(child, 'exit')
  }
})
