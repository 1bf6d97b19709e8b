import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { freeNetworks } from '../../../test/support/free-networks.ts'
import { testImage, testService, uniquePrefix } from '../../../test/support/services.ts'
import { tempDir } from '../../../test/support/temp-dir.ts'
import { isPackageName } from '../../core/plan/package-name.ts'
import { silentLog } from '../../lib/log.ts'
import { DockerExecutor } from '../executor/docker/docker-executor.ts'
import { folderWorkspace } from '../executor/workspace.ts'
import { installScript, NO_PACKAGE_MANAGER } from './packages.ts'

/** A machine of shell scripts: a PATH with only these commands, and what was called on them. */
async function machine(commands: Readonly<Record<string, string>>) {
  const dir = await tempDir()
  await mkdir(dir.join('bin'))
  await writeFile(dir.join('calls'), '')
  const usual = { id: 'echo 0', sleep: ':', rm: ':', grep: 'exec /bin/grep "$@"' }
  for (const [name, body] of Object.entries({ ...usual, ...commands })) {
    const log = name in usual ? '' : `echo "${name} $*" >>${dir.join('calls')}\n`
    await writeFile(dir.join('bin', name), `#!/bin/sh\n${log}${body}\n`)
    await chmod(dir.join('bin', name), 0o755)
  }
  return {
    install: async (...packages: string[]) => {
      const script = installScript(packages)
      const env = { PATH: dir.join('bin') }
      const ran = await new Promise<{ code: number; stderr: string }>((resolve) => {
        const child = execFile('/bin/sh', ['-e', '-c', script], { env }, (_error, _out, stderr) => {
          resolve({ code: child.exitCode ?? -1, stderr })
        })
      })
      const calls = (await readFile(dir.join('calls'), 'utf8')).trim().split('\n')
      return { ...ran, calls: calls.filter((call) => call !== '') }
    },
    [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose](),
  }
}

const MISSING = 'exit 1'

test('installs what is missing with apt-get, the lists fetched once', async () => {
  await using box = await machine({ 'dpkg-query': MISSING, 'apt-get': ':', git: ':' })
  const { code, calls } = await box.install('make', 'git', 'g++')
  assert.equal(code, 0)
  assert.deepEqual(
    calls.filter((call) => call.startsWith('apt-get')),
    ['apt-get update -q', 'apt-get install -q --yes --no-install-recommends -- make g++'],
  )
})

test('installs with whatever package manager there is', async () => {
  const cases = [
    ['apk', 'apk add --no-cache -- make'],
    ['dnf', 'dnf install -y -- make'],
    ['microdnf', 'microdnf install -y -- make'],
    ['yum', 'yum install -y -- make'],
    ['zypper', 'zypper --non-interactive install --no-recommends -- make'],
  ] as const
  for (const [manager, call] of cases) {
    await using box = await machine({ [manager]: 'case $1 in info) exit 1 ;; esac' })
    const { code, calls } = await box.install('make')
    assert.deepEqual([code, calls.at(-1)], [0, call])
  }
})

test('does nothing when all is there, as a command or as a package', async () => {
  const installed = '[ "$3" = libssl-dev ] && echo installed'
  await using debian = await machine({ 'dpkg-query': installed, 'apt-get': MISSING, make: ':' })
  const { code, calls } = await debian.install('make', 'libssl-dev')
  assert.deepEqual([code, calls.filter((call) => call.startsWith('apt'))], [0, []])
  await using alpine = await machine({ apk: '[ "$1" = info ]' })
  assert.deepEqual((await alpine.install('musl-dev')).calls, ['apk info -e musl-dev'])
  await using fedora = await machine({ rpm: ':', dnf: MISSING })
  assert.equal((await fedora.install('openssl-devel')).code, 0)
})

test('tries thrice, then fails with what is missing', async () => {
  await using box = await machine({ 'dpkg-query': MISSING, 'apt-get': '[ "$1" = update ]' })
  const { code, calls, stderr } = await box.install('make', 'nonsense')
  assert.equal(code, 1)
  assert.match(stderr, /can't install make nonsense/)
  assert.equal(calls.filter((call) => call.includes('install')).length, 3)
})

test('says what to do where nothing can be installed, with an exit code of its own', async () => {
  await using none = await machine({})
  const { code, stderr } = await none.install('make')
  assert.deepEqual(
    [code, stderr.includes('there is no package manager')],
    [NO_PACKAGE_MANAGER, true],
  )
  await using user = await machine({ 'apt-get': ':', id: 'echo 1000' })
  const ran = await user.install('make')
  assert.deepEqual([ran.code, ran.stderr.includes('only root can')], [NO_PACKAGE_MANAGER, true])
})

test('takes only names of packages', () => {
  for (const name of [
    'make',
    'g++',
    'libstdc++6',
    'libc6:i386',
    'make=4.3-4',
    'a~b',
    'perl-IO',
    'so:libc',
  ]) {
    assert.ok(isPackageName(name), name)
  }
  for (const name of [
    '',
    '-y',
    '--force',
    'a b',
    'a;b',
    '$(id)',
    '../x',
    '/etc/x',
    'a\n',
    'a*',
    'ä',
    "a'b",
  ]) {
    assert.ok(!isPackageName(name), name)
    assert.throws(() => installScript(['make', name]), { code: 'invalid' })
  }
})

const docker = testService('docker')

test('says so in an image without a package manager', { skip: docker.skip }, async () => {
  await using dir = await tempDir()
  await using executor = new DockerExecutor({
    host: docker.url,
    folder: dir.join('sandboxes'),
    instance: uniquePrefix(),
    runnerIsRoot: process.getuid?.() === 0,
    log: silentLog(),
    networks: freeNetworks(),
  })
  const never = new AbortController().signal
  const limits = { memoryBytes: 64 * 1024 ** 2, cpus: 1, processes: 64 }
  const spec = {
    name: 'job_packages/1',
    image: testImage(),
    workspace: folderWorkspace(dir.join('workspace')),
    limits,
    isStranger: false,
  }
  await mkdir(spec.workspace.path)
  await using sandbox = await executor.open(spec, never)
  const run = async (...packages: string[]) => {
    let text = ''
    const step = { script: installScript(packages), env: {} }
    const exit = await sandbox.run(step, (_, chunk) => void (text += Buffer.from(chunk)), never)
    return { ...exit, text }
  }
  assert.deepEqual(await run('tar', 'gzip'), { exitCode: 0, text: '' })
  const { exitCode, text } = await run('no-such-package')
  assert.equal(exitCode, NO_PACKAGE_MANAGER)
  assert.match(text, /can't install no-such-package: there is no package manager/)
})
