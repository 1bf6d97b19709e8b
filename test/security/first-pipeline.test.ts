import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chown, mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { gitRepository } from '../support/git-repository.ts'
import { tempDir } from '../support/temp-dir.ts'

/** `npm start` where neither bubblewrap nor a container engine works. */

const root = new URL('../..', import.meta.url).pathname.replace(/\/$/, '')
const NOBODY = '65534'
const AS_NOBODY = ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', '--']

/** Only root can hide a program from one process; and the user must be able to read this checkout. */
function whyNot(): string | false {
  if (process.getuid?.() !== 0) return 'only root takes bubblewrap away for a test'
  try {
    execFileSync('setpriv', [...AS_NOBODY.slice(1), process.execPath, '--version'], { cwd: root })
    execFileSync('setpriv', [...AS_NOBODY.slice(1), 'test', '-r', `${root}/src/main.ts`])
    execFileSync('unshare', ['-m', 'true'])
    return false
  } catch {
    return 'an ordinary user can not read this checkout'
  }
}

const FILE = `name: own
steps:
  - { name: greet, command: 'echo "I am $(id -u)"' }
`

test('RUN-01d: an ordinary user without bubblewrap and engine sees the own pipeline run, and what to install', {
  skip: whyNot(),
}, async () => {
  await using repository = await gitRepository({ files: { 'narwhal.yml': FILE } })
  await using dir = await tempDir()
  await mkdir(dir.join('data'), { mode: 0o700 })
  await mkdir(dir.join('home'))
  execFileSync('chown', ['-R', `${NOBODY}:${NOBODY}`, dirname(repository.path), dir.path])
  await chown(dir.path, Number(NOBODY), Number(NOBODY))
  const hide =
    'for file in /usr/bin/bwrap /bin/bwrap; do [ -e "$file" ] && mount --bind /dev/null "$file"; done; exec "$@"'
  const up = [
    `${root}/narwhal`,
    'up',
    '--build',
    repository.path,
    '--port',
    '0',
    '--data',
    dir.join('data'),
  ]
  const child = spawn('unshare', ['-m', 'sh', '-c', hide, 'sh', ...AS_NOBODY, ...up], {
    env: {
      PATH: process.env['PATH'],
      HOME: dir.join('home'),
      DOCKER_HOST: `unix://${dir.join('none.sock')}`,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const closed = once(child, 'close')
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (said += text))
  }
  try {
    await eventually(() => assert.match(said, /Ctrl-C stops Narwhal/), { timeoutMs: 60_000 })
    assert.match(said, /only this checkout's own pipeline can run, as plain processes/)
    assert.match(said, /bubblewrap is not installed: apt-get install bubblewrap/)
    assert.ok(said.includes(`I am ${NOBODY}`), said)
    assert.match(said, /success/)
    // Other commands need these settings, so they are printed as well.
    assert.match(said, /export NARWHAL_SERVER=http:\S+ NARWHAL_DATA=\S+/)
  } finally {
    child.kill('SIGTERM')
    await closed
  }
})
