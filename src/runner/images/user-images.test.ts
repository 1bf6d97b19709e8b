import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, chownSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { findProgram, isRoot } from '#root/test/support/services/programs.ts'
import { tempDir } from '#root/test/support/temp-dir.ts'
import type { Entry } from './fixtures/layers.fixture.ts'
import { writeLayout } from './fixtures/layouts.fixture.ts'

/** The user `nobody`, with subordinate ids in a mount namespace of the test's own. */
const USER = 65_534
const FIRST_ID = 1_000_000
const SCRIPT = new URL('./fixtures/user-process.fixture.ts', import.meta.url).pathname
const BECOME = ['setpriv', `--reuid=${USER}`, `--regid=${USER}`, '--clear-groups', '--']
const skip =
  (!isRoot() && 'only root can become another user') ||
  (!findProgram('skopeo') && 'skopeo is not installed (apt: skopeo)') ||
  (!findProgram('newuidmap') && 'newuidmap is not installed (apt: uidmap)') ||
  (!canRead() && 'an ordinary user can not read this checkout')

function canRead(): boolean {
  return spawnSync('setpriv', [...BECOME.slice(1), 'test', '-r', SCRIPT]).status === 0
}

/** What a process of the user prints about an image, line by line. */
async function asUser(
  layers: readonly (readonly Entry[])[],
  script: string,
  ranges = `nobody:${FIRST_ID}:65536\n`,
): Promise<string[]> {
  await using dir = await tempDir()
  writeLayout(dir.join('layout'), { layers })
  writeFileSync(dir.join('ranges'), ranges)
  execFileSync('mkdir', ['--mode=700', dir.join('data')])
  chownSync(dir.join('data'), USER, USER)
  chmodSync(dir.path, 0o755)
  const setUp = `
    mount --bind "$1" /etc/subuid; mount --bind "$1" /etc/subgid; shift
    exec "$@"`
  const apart = ['--mount', '--propagation', 'private', 'sh', '-ec', setUp, 'sh']
  const args = [process.execPath, SCRIPT, dir.join('data'), dir.join('layout')]
  const ran = spawnSync('unshare', [...apart, dir.join('ranges'), ...BECOME, ...args], {
    input: script,
    encoding: 'utf8',
    cwd: dir.path,
  })
  if (ran.status !== 0) throw new Error(ran.stderr)
  return ran.stdout.trim().split('\n')
}

const CAPABILITY = Buffer.from('0100000200200000000000000000000000000000', 'hex')
const BASE: readonly Entry[] = [
  { name: './', mode: 0o555 },
  { name: 'tmp/', mode: 0o1777 },
  { name: 'etc/', mode: 0o555, gid: 12 },
  { name: 'etc/shadow', mode: 0, gid: 42, data: 'secret' },
  { name: 'locked/', mode: 0, uid: 3 },
  { name: 'locked/in', uid: 1000, data: 'in' },
  { name: 'gone/x' },
  { name: 'bin/su', mode: 0o4755, data: 'setuid' },
  { name: 'bin/ping', data: 'ping', xattrs: { 'security.capability': CAPABILITY } },
  { name: 'bin/link', kind: 'link', target: 'locked/in' },
  { name: 'dev/sda', kind: 'block', major: 8 },
]
const SECOND: readonly Entry[] = [
  { name: '.wh.gone' },
  { name: 'tmp/new', uid: 65_535 },
  { name: 'etc/new' },
  { name: 'locked/.wh..wh..opq' },
  { name: 'locked/fresh', data: 'fresh' },
  { name: 'copy', kind: 'link', target: 'bin/su' },
]

test('an ordinary user with subordinate ids unpacks the same as root', { skip }, async () => {
  const script = `
    stat -c '%n %A %u:%g' . tmp etc etc/shadow bin/su bin/link locked locked/fresh tmp/new copy
    echo $(ls); echo $(ls locked dev); getfattr --only-values -n security.capability bin/ping | od -An -tx1 -w64`
  const lines = await asUser([BASE, SECOND], script)
  assert.deepEqual(lines, [
    '. dr-xr-xr-x 0:0',
    'tmp drwxrwxrwt 0:0',
    'etc dr-xr-xr-x 0:12',
    'etc/shadow ---------- 0:42',
    'bin/su -rwsr-xr-x 0:0',
    'bin/link -rw-r--r-- 1000:0',
    'locked d--------- 3:0',
    'locked/fresh -rw-r--r-- 0:0',
    'tmp/new -rw-r--r-- 65535:0',
    'copy -rwsr-xr-x 0:0',
    'bin copy dev etc locked tmp',
    'dev: locked: fresh',
    ' 01 00 00 02 00 20 00 00 00 00 00 00 00 00 00 00 00 00 00 00',
    'left:',
  ])
})

test('refuses ids that the user does not have, and a user that has none', { skip }, async () => {
  const far = [[{ name: 'far', gid: 70_000 }]]
  await assert.rejects(asUser(far, 'true'), (error) => {
    const words =
      /image test\/user:latest can't be run: its file \/far belongs to the id 70000, and containers have 6553\d ids, from 0; give this user a longer range in \/etc\/subuid/
    return words.test(String(error))
  })
  await assert.rejects(asUser([BASE], 'true', ''), (error) =>
    /images can't be unpacked: the user nobody has no subordinate ids: usermod --add-subuids/.test(
      String(error),
    ),
  )
  const wide = `nobody:${FIRST_ID}:200000\n`
  assert.deepEqual(await asUser(far, 'stat -c %g far', wide), ['70000', 'left:'])
})
