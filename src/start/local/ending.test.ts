import assert from 'node:assert/strict'
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { createServer, type ServerResponse } from 'node:http'
import { createServer as createSocketServer, type Server } from 'node:net'
import { text } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import { eventually } from '../../../test/support/eventually.ts'
import { gitRepository } from '../../../test/support/git-repository.ts'
import { type TempDir, tempDir } from '../../../test/support/temp-dir.ts'

const exec = promisify(execFile)
const root = new URL('../../..', import.meta.url).pathname.replace(/\/$/, '')

/** A run in a repository of its own, of which the test knows when it is at what it waits for. */
async function stage(t: TestContext, file: object) {
  const stack = new AsyncDisposableStack()
  t.after(() => stack.disposeAsync())
  const repository = stack.use(await gitRepository({ files: { a: 'a' } }))
  await writeFile(`${repository.path}/narwhal.yml`, JSON.stringify(file))
  const dir = stack.use(await tempDir())
  await mkdir(dir.join('bin'))
  const run = (args: readonly string[], path?: string) => {
    const command = ['run', '--plain', '--data', dir.join('data'), ...args]
    const child = spawn(`${root}/narwhal`, command, {
      cwd: repository.path,
      env: { ...process.env, PATH: path ?? `${dir.join('bin')}:${process.env['PATH']}` },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    stack.defer(() => void child.kill('SIGKILL'))
    return { child, said: Promise.all([text(child.stdout), text(child.stderr)]) }
  }
  return { dir, run, stack, repository }
}

/** A server of an engine's socket that answers what it is told to, and nothing else ever. */
async function engine(dir: TempDir, stack: AsyncDisposableStack, answer: Answer): Promise<string> {
  const server = createServer((request, response) => {
    answer(`${request.method} ${request.url?.replace(/^\/v[\d.]+/, '')}`, response)
  })
  return await listening(server, dir, stack)
}

type Answer = (request: string, response: ServerResponse) => void

async function listening(
  server: Server,
  dir: TempDir,
  stack: AsyncDisposableStack,
): Promise<string> {
  const path = dir.join('engine.sock')
  server.listen(path)
  await once(server, 'listening')
  stack.defer(() => void server.close())
  return `docker:unix://${path}`
}

/** The exit code of a run that was asked to end, while what it waits for never comes. */
async function endBy(signal: NodeJS.Signals, child: ChildProcess): Promise<number | null> {
  child.kill(signal)
  return await endOf(child)
}

async function endOf(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  assert.equal(child.signalCode, null)
  return child.exitCode
}

const ONE = { steps: ['echo hello', 'sleep 1000'] }
const limit = { timeout: 120_000 }
const SOON = { timeoutMs: 60_000 }

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  test(`${signal} ends a run while it commits the working tree`, limit, async (t) => {
    const { dir, run } = await stage(t, ONE)
    const real = process.env['PATH']?.split(':').map((folder) => `${folder}/git`) ?? []
    // It hangs as a git does that waits for a file system over the network.
    const script = `#!/bin/sh
case " $* " in *' add '*) echo > ${dir.join('adding')}; exec sleep 1000 ;; esac
for git in ${real.join(' ')}; do if [ -x "$git" ]; then exec "$git" "$@"; fi; done
`
    await writeFile(dir.join('bin/git'), script, { mode: 0o755 })
    const { child } = run(['--executor', 'process:'])
    await eventually(async () => void (await readFile(dir.join('adding'))), SOON)
    assert.equal(await endBy(signal, child), 130)
  })

  test(`${signal} ends a run whose engine does not answer`, limit, async (t) => {
    const { dir, run, stack } = await stage(t, { image: 'a:1', ...ONE })
    const server = createSocketServer(() => {})
    const connected = once(server, 'connection')
    const { child } = run(['--executor', await listening(server, dir, stack)])
    await connected
    assert.equal(await endBy(signal, child), 130)
  })

  test(`${signal} ends a run with what its step has started`, limit, async (t) => {
    const { run } = await stage(t, { steps: ['sleep 1000 & echo "at $!"; wait'] })
    const { child } = run(['--executor', 'process:'])
    let seen = ''
    child.stdout.on('data', (chunk: Buffer) => {
      seen += chunk.toString()
    })
    const pid = await eventually(() => {
      const found = /│ at (\d+)/.exec(seen)?.[1]
      assert.ok(found)
      return found
    }, SOON)
    assert.equal(await endBy(signal, child), 130)
    await eventually(async () => {
      const status = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
      assert.equal(status, '')
    }, SOON)
  })
}

const TIDY = { name: 'tidy', when: { status: 'always' } }

/** A run whose first step runs, and what it has printed. */
async function begun(t: TestContext, tidy: string) {
  const steps = ['echo ready; sleep 1000', { ...TIDY, command: tidy }]
  const { run } = await stage(t, {
    jobs: { one: { steps }, two: { needs: 'one', steps: ['true'] } },
  })
  const { child } = run(['--executor', 'process:'])
  let seen = ''
  child.stdout.on('data', (chunk: Buffer) => {
    seen += chunk.toString()
  })
  await eventually(() => assert.match(seen, /│ ready/))
  return { child, seen: () => seen }
}

test(
  'after a signal the steps that always run do so, and their output is seen',
  limit,
  async (t) => {
    const { child, seen } = await begun(t, 'sleep 2; echo "tidy: $NARWHAL_JOB_STATUS"; exit 3')
    assert.equal(await endBy('SIGINT', child), 130)
    assert.match(seen(), /│ tidy: cancelled/)
  },
)

test('a second signal ends the cleanup as well', limit, async (t) => {
  const { child, seen } = await begun(t, 'echo "at it"; sleep 1000')
  child.kill('SIGINT')
  await eventually(() => assert.match(seen(), /│ at it/))
  assert.equal(await endBy('SIGINT', child), 130)
})

const ENGINE: Readonly<Record<string, object>> = {
  'GET /version': { ApiVersion: '1.45', Version: '27.0.0', Os: 'linux', Arch: 'amd64' },
}

for (const [what, waits] of [
  ['pulls an image', /^POST \/images\/create/],
  ['creates a container', /^POST \/containers\/create/],
] as const) {
  test(`a signal ends a run while it ${what}`, limit, async (t) => {
    const { dir, run, stack } = await stage(t, { image: 'a:1', network: 'none', ...ONE })
    const waiting = Promise.withResolvers<void>()
    const requests: string[] = []
    const url = await engine(dir, stack, (request, response) => {
      requests.push(request)
      if (waits.test(request)) return waiting.resolve()
      const isMissing = what === 'pulls an image' && request.startsWith('POST /containers/create')
      response.statusCode = isMissing ? 404 : 200
      const known =
        ENGINE[request] ?? (/^GET [^?]*(s|json)\?/.test(request) ? [] : { Id: 'sha256:1' })
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify(isMissing ? { message: 'no such image' } : known))
    })
    const { child, said } = run(['--executor', url])
    const ended = once(child, 'exit').then(async () => {
      throw new Error(`it ended after ${requests.join(', ')}: ${(await said).join('')}`)
    })
    await Promise.race([waiting.promise, ended])
    ended.catch(() => {})
    assert.equal(await endBy('SIGTERM', child), 130)
  })
}

test('an image that there is not ends the run at once', limit, async (t) => {
  const { dir, run, stack } = await stage(t, { image: 'a:1', network: 'none', ...ONE })
  const url = await engine(dir, stack, (request, response) => {
    const isMissing = request.startsWith('POST')
    response.statusCode = isMissing ? 404 : 200
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(isMissing ? { message: 'no such image' } : (ENGINE[request] ?? [])))
  })
  const { child, said } = run(['--executor', url])
  assert.equal(await endOf(child), 1)
  const [out] = await said
  assert.match(out, /✖ main error in .*no such image/)
  assert.doesNotMatch(out, /attempt 2/)
})

test('without git it says so and ends', limit, async (t) => {
  const { dir, run } = await stage(t, ONE)
  for (const tool of ['sh', 'readlink', 'dirname', 'find', 'head']) {
    const paths = ['/bin', '/usr/bin'].map((folder) => `${folder}/${tool}`)
    const found = paths.find((path) => existsSync(path))
    if (found) await symlink(found, dir.join('bin', tool))
  }
  const { child, said } = run(['--executor', 'process:'], dir.join('bin'))
  assert.equal(await endOf(child), 5)
  assert.match((await said)[1], /git could not be started: install it, or fix PATH/)
})

test('without the engine that was chosen it says so and ends', limit, async (t) => {
  const { dir, run } = await stage(t, { image: 'a:1', ...ONE })
  const { child, said } = run(['--executor', `docker:unix://${dir.join('none.sock')}`])
  assert.equal(await endOf(child), 5)
  assert.match((await said)[1], /none\.sock/)
})

const skip = process.getuid?.() === 0 ? false : 'only root can mount a small disk'

// With one, git is the first that can't write, or the database: whichever is slower. With the other, all fail.
for (const size of ['4m', '64k']) {
  test(`on a full disk of ${size} it says so and ends`, { ...limit, skip }, async (t) => {
    const { dir, run, stack, repository } = await stage(t, ONE)
    await mkdir(dir.join('data'))
    await exec('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', dir.join('data')])
    stack.defer(async () => void (await exec('umount', ['--lazy', dir.join('data')])))
    await writeFile(`${repository.path}/large`, randomBytes(8 * 2 ** 20))
    const { child, said } = run(['--executor', 'process:'])
    assert.equal(await endOf(child), 6)
    assert.match((await said)[1], /^narwhal: [^\n]*disk[^\n]* (?:full|left)/)
  })
}

test('the trouble of the engine is said while git is still at work', limit, async (t) => {
  const { dir, run } = await stage(t, { image: 'a:1', ...ONE })
  const real = (process.env['PATH'] ?? '').split(':').find((one) => existsSync(`${one}/git`))
  const script = `#!/bin/sh
case " $* " in *' add '*) exec sleep 1000 ;; esac
exec ${real}/git "$@"
`
  await writeFile(dir.join('bin/git'), script, { mode: 0o755 })
  const { child, said } = run(['--executor', `docker:unix://${dir.join('none.sock')}`])
  assert.equal(await endOf(child), 5)
  assert.match((await said)[1], /none\.sock/)
})
