import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import {
  chmod,
  chown,
  copyFile,
  mkdir,
  mkdtemp,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { promisify } from 'node:util'
import { PROGRAM_ENV } from '../../../../lib/programs/machine-programs.ts'
import { shellQuote } from '../../../../lib/shell-quote.ts'
import { dockerRights, strictRights } from '../spec/capabilities.ts'
import { ociSpec } from '../spec/oci-spec.ts'
import type { OciWanted } from '../spec/oci-wanted.ts'
import { containerUser } from '../spec/users/container-user.ts'
import { type FoundRuntime, findRuntime } from './find-runtime.ts'
import { publicFolder } from './public-folder.ts'

const run = promisify(execFile)

const FIRST_ID = 1_879_048_192
const BUSYBOX = '/bin/busybox'
const PASSWD = 'root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001::/home/app:/bin/sh\n'
const GROUP = 'root:x:0:\napp:x:1001:\nmore:x:1005:app\n'
const texts = { passwd: PASSWD, group: GROUP }

/** A runtime that works here, with a user namespace or without, and the image as its containers see it. */
interface Kind {
  readonly title: string
  readonly found: FoundRuntime
  readonly image: string
}

const folder = await mkdtemp(join(tmpdir(), 'narwhal-container-'))
after(() => rm(folder, { recursive: true, force: true }))

async function listKinds(): Promise<readonly Kind[]> {
  if (!existsSync(BUSYBOX)) return []
  const kinds: Kind[] = []
  for (const name of ['crun', 'runc'] as const) {
    for (const firstId of process.getuid?.() === 0 ? [FIRST_ID, undefined] : [FIRST_ID]) {
      const title = `${name}${firstId === undefined ? ' without a user namespace' : ''}`
      const search = { folder: join(folder, 'oci'), names: [name], ...(firstId ? { firstId } : {}) }
      const found = await findRuntime(search)
      if (typeof found === 'string') continue
      kinds.push({ title, found, image: await makeImage(found.idMap?.firstId ?? 0) })
    }
  }
  return kinds
}

async function makeImage(owner: number): Promise<string> {
  const image = join(folder, `image-${owner}`)
  if (existsSync(image)) return image
  await mkdir(join(image, 'bin'), { recursive: true })
  await mkdir(join(image, 'etc'))
  await mkdir(join(image, 'private'), { mode: 0o700 })
  await copyFile(BUSYBOX, join(image, 'bin/busybox'))
  for (const name of ['sh', 'id', 'ls', 'stat', 'cat', 'grep', 'su', 'touch', 'chroot', 'env']) {
    await symlink('busybox', join(image, 'bin', name))
  }
  await writeFile(join(image, 'etc/passwd'), PASSWD)
  await writeFile(join(image, 'etc/group'), GROUP)
  await chmod(image, 0o755)
  if (owner !== 0) await run('chown', ['-hR', `${owner}:${owner}`, image])
  return image
}

let count = 0

/** Starts a container as an engine does: in a network that exists already, with FIFOs as its output. */
async function output({ found, image }: Kind, script: string, more: Partial<OciWanted> = {}) {
  const { runtime, enter, overlayOptions, idMap, rlimits, oomScore, filters } = found
  const bundle = join(folder, `container-${++count}`)
  for (const name of ['upper', 'work', 'root', 'sys', 'state']) {
    await mkdir(join(bundle, name), { recursive: true, mode: 0o755 })
  }
  await chmod(bundle, 0o711)
  const owner = idMap?.firstId ?? 0
  if (owner !== 0) await chown(join(bundle, 'upper'), owner, owner)
  const rights = idMap ? dockerRights() : strictRights()
  const place = publicFolder()
  const wanted: OciWanted = {
    root: join(place, 'root'),
    args: ['/bin/sh', '-c', script],
    env: ['PATH=/bin'],
    folder: '/',
    user: containerUser('', texts),
    rights,
    hostname: 'box',
    network: { kind: 'joined', sysfs: join(place, 'sys') },
    rlimits,
    oomScore,
    mounts: [],
    seccomp: await filters.for(rights),
    ...(idMap ? { idMap } : {}),
    ...more,
  }
  await writeFile(join(bundle, 'config.json'), JSON.stringify(ociSpec(wanted)))
  const id = `test-${process.pid}-${count}`
  const groups = runtime.name === 'crun' ? '--cgroup-manager=disabled' : ''
  // In the foreground, runc puts pipes of its own between, which only the first user can open.
  const detach = runtime.name === 'runc' ? '--detach' : ''
  const launch = `
    mount --bind ${bundle} ${place} && cd ${place} || exit
    mount -t overlay -o nodev,${overlayOptions},lowerdir=${image},upperdir=upper,workdir=work overlay root || exit
    mount -t sysfs -o ro,nosuid,nodev,noexec sysfs sys || exit
    [ ! -d /sys/fs/cgroup/unified ] || mount -t tmpfs tmpfs /sys/fs/cgroup/unified || exit
    exec ${runtime.path} --root ${bundle}/state ${groups} run ${detach} --no-new-keyring --bundle ${place} ${id}`
  const chain = [...enter, 'unshare', '--net', '--mount', '--propagation', 'private', 'sh', '-c']
  const around = `
    mkfifo -m 666 ${bundle}/output
    cat ${bundle}/output &
    : | ${chain.join(' ')} ${shellQuote(launch)} >${bundle}/output 2>&1
    wait`
  const options = { env: PROGRAM_ENV, timeout: 60_000 }
  const { stdout } = await run('sh', ['-c', around], options)
  const remove = [...enter, runtime.path, '--root', `${bundle}/state`, 'delete', '--force', id]
  if (detach) await run('sh', ['-c', remove.join(' ')], options)
  return stdout.trim()
}

const kinds = await listKinds()

function testKinds(title: string, check: (kind: Kind) => Promise<void>): void {
  for (const kind of kinds) test(`${kind.title}: ${title}`, () => check(kind))
}

test('containers can be started here', (t) => {
  if (kinds.length === 0) t.skip('no runtime works here, or there is no static BusyBox')
})

testKinds('a process is the user that the image names, in a folder made for it', async (kind) => {
  const script = 'id -u; id -g; id -G; pwd; stat -c "%u %g %a" .'
  const user = containerUser('app', texts)
  const said = await output(kind, script, { user, folder: '/srv/new' })
  assert.equal(said, '1000\n1001\n1001 1005\n/srv/new\n0 0 755')
})

testKinds(
  'a working folder that is closed to its user does not keep it from starting',
  async (kind) => {
    const user = containerUser('app', texts)
    const said = await output(kind, 'pwd; ls 2>&1', { user, folder: '/private' })
    assert.match(said, /^\/private\n.*Permission denied$/)
  },
)

testKinds('every user of the image can open its standard output', async (kind) => {
  const write = 'echo out >/dev/stdout; echo err >/dev/stderr; echo self >/proc/self/fd/1'
  assert.equal(await output(kind, write), 'out\nerr\nself')
  assert.equal(await output(kind, write, { user: containerUser('app', texts) }), 'out\nerr\nself')
  assert.equal(await output(kind, `su app -c '${write}'`), 'out\nerr\nself')
})

testKinds('no device of the machine changes its owner', async (kind) => {
  await output(kind, 'true', { user: containerUser('app', texts) })
  const { uid, gid, mode } = await stat('/dev/null')
  assert.deepEqual([uid, gid, mode & 0o777], [0, 0, 0o666])
})

testKinds('limits of processes are its own', async (kind) => {
  const script = 'ulimit -Hn; ulimit -Sn; ulimit -Hc; cat /proc/self/oom_score_adj'
  assert.equal(await output(kind, script), `16384\n16384\n0\n${kind.found.oomScore}`)
})

testKinds('rights go with the user namespace', async (kind) => {
  const said = await output(kind, 'grep -E "NoNewPrivs|Seccomp:" /proc/self/status; chroot / id -u')
  const isMapped = kind.found.idMap !== undefined
  assert.match(
    said,
    isMapped ? /^NoNewPrivs:\s0\nSeccomp:\s2\n0$/ : /^NoNewPrivs:\s1\nSeccomp:\s2\n/,
  )
  if (!isMapped) assert.match(said, /chroot: .*not permitted/)
})

testKinds('the kernel’s files tell and change nothing of the machine', async (kind) => {
  const script = `
    for file in /proc/kcore /proc/keys /proc/timer_list; do cat $file 2>/dev/null; done
    ls /sys/firmware /proc/acpi /proc/scsi 2>/dev/null | grep -v : | grep .
    for file in /proc/sys/kernel/domainname /proc/sysrq-trigger /sys/x /proc/irq/x; do
      (echo x >$file) 2>/dev/null && echo "wrote $file"
    done
    ls /sys/class/net`
  assert.equal(await output(kind, script), 'lo')
})

testKinds('shared memory has its size', async (kind) => {
  assert.match(await output(kind, 'grep /dev/shm /proc/mounts'), /size=65536k/)
  const said = await output(kind, 'grep /dev/shm /proc/mounts', { shmBytes: 2 ** 20 })
  assert.match(said, /size=1024k/)
})

testKinds('mounts are where they belong, and read-only if they should be', async (kind) => {
  const source = join(folder, `mount-${count}`)
  await mkdir(source)
  await writeFile(join(source, 'file'), 'of the machine\n')
  const mounts = [
    { source, target: '/deep/in/folder', isReadOnly: true },
    { source: join(source, 'file'), target: '/deep/file' },
  ]
  // As in an engine: nothing above it is closed to the container's root.
  await chmod(folder, 0o711)
  const script =
    'cat /deep/file; touch /deep/in/folder/x 2>&1; hostname 2>/dev/null || cat /proc/sys/kernel/hostname'
  assert.match(await output(kind, script, { mounts }), /^of the machine\n.*Read-only.*\nbox$/)
})
