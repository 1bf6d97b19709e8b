import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { chmod, chown, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { findProgram, isRoot } from '#root/test/support/services/programs.ts'
import { tempDir } from '#root/test/support/temp-dir.ts'

const run = promisify(execFile)

/** The suites of containers, run by an ordinary user with subordinate ids: `nobody`, in a mount namespace of its own. */
const USER = 65_534
const FIRST_ID = 1_000_000
const BECOME = [`--reuid=${USER}`, `--regid=${USER}`, '--clear-groups', '--']
const SUITES = ['oci-executor', 'oci-containers', 'oci-services', 'oci-leftovers']
/** Where such a user has no control groups, none of the others skips anything. */
const NEEDS_GROUPS = /control groups/

const skip = await whyNot()

async function whyNot(): Promise<string | false> {
  if (!isRoot()) return 'only root can become another user'
  const missing = ['newuidmap', 'crun', 'pasta', 'nft'].find((name) => !findProgram(name))
  if (missing) return `${missing} is not installed`
  const canRead = run('setpriv', [...BECOME, 'test', '-r', import.meta.filename])
  return canRead.then(
    () => false,
    () => 'an ordinary user can not read this checkout',
  )
}

interface Result {
  readonly title: string
  readonly isOk: boolean
  /** Why it was skipped; empty: it was not. */
  readonly skipped: string
}

/** The result of each test of a suite whose name begins with a runtime's, and everything that was said. */
async function runAsUser(suite: string, runtime: string) {
  await using dir = await tempDir()
  await chmod(dir.path, 0o755)
  const temp = dir.join('temp')
  await mkdir(temp)
  await chown(temp, USER, USER)
  const setUp = `
    echo ${USER}:${FIRST_ID}:65536 >${dir.join('ids')}
    for name in subuid subgid; do mount --bind ${dir.join('ids')} /etc/$name; done
    mkdir -p /dev/net; [ -e /dev/net/tun ] || : >/dev/net/tun
    mknod ${dir.join('tun')} c 10 200; chmod 666 ${dir.join('tun')}
    mount --bind ${dir.join('tun')} /dev/net/tun
    exec setpriv ${BECOME.join(' ')} "$@"`
  const child = spawn(
    'unshare',
    [
      '--mount',
      '--propagation',
      'private',
      'sh',
      '-ec',
      setUp,
      'sh',
      process.execPath,
      '--test',
      '--test-reporter=tap',
      `--test-name-pattern=^${runtime}: `,
      join(import.meta.dirname, `${suite}.test.ts`),
    ],
    { env: { PATH: process.env['PATH'], TMPDIR: temp }, stdio: ['ignore', 'pipe', 'inherit'] },
  )
  const said = await text(child.stdout)
  return { said, results: resultsIn(said) }
}

/** See testanything.org. */
function resultsIn(tap: string): readonly Result[] {
  const lines = tap.matchAll(/^(not )?ok \d+ - (.*?)(?: # SKIP ?(.*))?$/gm)
  return [...lines].map(([, not, title = '', skipped = '']) => ({
    title,
    isOk: not === undefined,
    skipped,
  }))
}

for (const runtime of ['crun', 'runc']) {
  for (const suite of SUITES) {
    test(`${runtime}, as an ordinary user: ${suite}`, { skip }, async (t) => {
      if (!findProgram(runtime)) return t.skip(`${runtime} is not installed`)
      const { said, results } = await runAsUser(suite, runtime)
      assert.ok(results.length > 2 && results.every(({ isOk }) => isOk), said)
      const skipped = results.filter((one) => one.skipped && !NEEDS_GROUPS.test(one.skipped))
      assert.deepEqual(skipped, [])
    })
  }
}
