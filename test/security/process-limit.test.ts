import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { test } from 'node:test'
import { withoutBubblewrap } from '../support/bubblewrap-jobs.ts'
import { tempDir } from '../support/temp-dir.ts'

/** The limit of a job's processes, by each means that there is. */

const program = new URL('../support/process-limit-jobs.ts', import.meta.url).pathname
const USER = '65531'
const AS_USER = ['setpriv', `--reuid=${USER}`, `--regid=${USER}`, '--clear-groups', '--']
/** In a mount namespace of its own. */
const HIDE_GROUPS =
  'for of in /sys/fs/cgroup/*/ /sys/fs/cgroup; do umount -l "$of" 2>/dev/null; done; exec "$@"'
const WITHOUT_GROUPS = ['unshare', '--mount', 'sh', '-c', HIDE_GROUPS, 'sh']
/** It becomes the root of a user namespace once that has users. */
const AS_INNER_ROOT = [
  'unshare',
  '--user',
  'sh',
  '-c',
  'echo ready; read go; exec setpriv --reuid=0 --regid=0 --clear-groups -- "$@"',
  'sh',
]
const TWO_USERS = '0 0 1\n65534 65534 1\n'

const skip = (await withoutBubblewrap()) || whyNot()

function whyNot(): string | false {
  if (process.getuid?.() !== 0) return 'only root can become the other users'
  try {
    execFileSync('setpriv', [...AS_USER.slice(1), 'test', '-r', program])
    execFileSync('setpriv', [
      ...AS_USER.slice(1),
      'bwrap',
      '--unshare-user',
      '--bind',
      '/',
      '/',
      'true',
    ])
    execFileSync('unshare', ['--mount', '--user', 'true'])
    return false
  } catch {
    return 'an ordinary user can not read this checkout, or make namespaces'
  }
}

interface Seen {
  readonly besides: { readonly exitCode: number; readonly note?: string; readonly output: string }
  readonly tooMany: { readonly exitCode: number; readonly note?: string; readonly output: string }
  readonly warnings: readonly string[]
}

async function runTwoJobs(
  enter: readonly string[],
  onReady: (child: ChildProcess) => void = () => {},
): Promise<Seen> {
  await using dir = await tempDir()
  await mkdir(dir.join('tmp'))
  execFileSync('chown', ['-R', `${USER}:${USER}`, dir.path])
  execFileSync('chmod', ['-R', '777', dir.path])
  const [command, ...args] = [...enter, process.execPath]
  const child = spawn(command, [...args, program], {
    cwd: '/',
    env: { PATH: process.env['PATH'], HOME: dir.path, TMPDIR: dir.join('tmp') },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text
    if (said === 'ready\n') onReady(child)
  })
  await new Promise((resolve) => child.once('close', resolve))
  const last = said.trim().split('\n').at(-1) ?? ''
  return JSON.parse(last) as Seen
}

function assertCountsItsOwn({ besides, tooMany }: Seen): void {
  assert.deepEqual([besides.exitCode, besides.output], [0, 'ready\n'])
  assert.notEqual(tooMany.exitCode, 0)
  assert.match(tooMany.output, /[Cc]annot fork/)
}

test('RUN-03g: the process limit counts a job alone: by control groups', { skip }, async () => {
  const seen = await runTwoJobs([])
  assertCountsItsOwn(seen)
  assert.deepEqual(
    seen.warnings.filter((line) => line.includes('processes')),
    [],
  )
})

test('RUN-03h: … by a user of its own', { skip }, async () => {
  const seen = await runTwoJobs(WITHOUT_GROUPS)
  assertCountsItsOwn(seen)
  assert.deepEqual(seen.warnings, [
    'jobs in bubblewrap have no limit of memory and processors: this machine has no control groups',
  ])
})

test('RUN-03i: … by a user namespace, if the runner is an ordinary user', { skip }, async () => {
  const seen = await runTwoJobs([...WITHOUT_GROUPS, ...AS_USER])
  assertCountsItsOwn(seen)
  assert.equal(seen.warnings.length, 1)
})

test('RUN-03j: a user whom all jobs share has no limit, and the runner says so', {
  skip,
}, async () => {
  const seen = await runTwoJobs([...WITHOUT_GROUPS, ...AS_INNER_ROOT], (child) => {
    for (const map of ['uid_map', 'gid_map']) writeFileSync(`/proc/${child.pid}/${map}`, TWO_USERS)
    child.stdin?.end('go\n')
  })
  assertHasNoLimit(seen)
})

test('RUN-03k: nor has a job where the limit cannot be set', { skip }, async () => {
  const hide = 'file=$(command -v prlimit); mount --bind /dev/null "$(realpath "$file")"; exec "$@"'
  assertHasNoLimit(await runTwoJobs([...WITHOUT_GROUPS, 'sh', '-c', hide, 'sh', ...AS_USER]))
})

function assertHasNoLimit({ besides, tooMany, warnings }: Seen): void {
  assert.deepEqual([besides.exitCode, tooMany.exitCode], [0, 0])
  assert.deepEqual(warnings, [
    'jobs in bubblewrap have no limit of processes and memory and processors: this machine has no control groups',
  ])
}
