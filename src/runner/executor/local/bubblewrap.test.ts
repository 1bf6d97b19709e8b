import assert from 'node:assert/strict'
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { realNetworks } from '../../../../test/support/networks.ts'
import { findProcesses } from '../../../../test/support/sandbox-processes.ts'
import { uniquePrefix } from '../../../../test/support/services.ts'
import { tempDir } from '../../../../test/support/temp-dir.ts'
import { NarwhalError } from '../../../lib/errors.ts'
import { executorContract } from '../contract/executor.contract.ts'
import { graceContract } from '../contract/grace.contract.ts'
import type { SandboxSpec } from '../executor.ts'
import { folderWorkspace } from '../workspace.ts'
import { BubblewrapExecutor } from './bubblewrap.ts'

const withGrace = (graceMs: number) =>
  new BubblewrapExecutor({ instance: uniquePrefix(), hide: [], networks: realNetworks(), graceMs })
const open = async () => withGrace(0)
const trouble = await (await open()).probe()
const skip = trouble === '' ? false : trouble
const NOTHING = new AbortController().signal

executorContract('bubblewrap', open, {
  skip,
  isolated: true,
  workspace: '/workspace',
  baseEnv: [],
  leftovers: findProcesses,
})

graceContract('bubblewrap', withGrace, { skip, leftovers: findProcesses })

function spec(workspace: string): SandboxSpec {
  const limits = { memoryBytes: 2 ** 29, cpus: 1, processes: 256 }
  return {
    name: 'job_bubblewrap/1',
    workspace: folderWorkspace(workspace),
    limits,
    isStranger: false,
  }
}

async function output(executor: BubblewrapExecutor, workspace: string, script: string, env = {}) {
  await using sandbox = await executor.open(spec(workspace), NOTHING)
  let text = ''
  await sandbox.run({ script, env }, (_, chunk) => void (text += Buffer.from(chunk)), NOTHING)
  return text
}

test('bubblewrap: rejects a job with an image, and says what to do', async () => {
  await using executor = await open()
  await assert.rejects(
    executor.open({ ...spec('/nowhere'), image: 'node:24' }, NOTHING),
    new NarwhalError(
      'invalid',
      'image node:24 needs a container engine, and this runner only has bubblewrap: start Docker or Podman on it, or remove `image:`',
    ),
  )
})

test("bubblewrap: passes a step's variables to its script only", { skip }, async () => {
  await using dir = await tempDir()
  await mkdir(dir.join('workspace'))
  await using executor = await open()
  // A loader that gets this reports every program for which it fails.
  const env = { LD_PRELOAD: '/workspace/no-such-library.so', SECRET: 'sesame' }
  const script = 'grep -l sesame /proc/[0-9]*/cmdline /proc/1/environ 2>/dev/null; echo end'
  const text = await output(executor, dir.join('workspace'), script, env)
  const reports = text.split('\n').filter((line) => line.includes('no-such-library'))
  assert.ok(reports.every((line) => !/bwrap|setpriv|prlimit|cat/.test(line)))
  assert.ok(!text.includes('/proc/'))
})

test('bubblewrap: runs the tools of this machine', { skip }, async () => {
  await using dir = await tempDir()
  await mkdir(dir.join('workspace'))
  await writeFile(dir.join('workspace', 'file'), 'x')
  await using executor = await open()
  const script = 'git init -q . && git add . && git status --porcelain; hostname; ls -d /tmp/*'
  const text = await output(executor, dir.join('workspace'), script)
  assert.match(text, /^A {2}file\nnarwhal\nls: /)
})

test('bubblewrap: does not run as root if it can avoid it', { skip }, async () => {
  await using dir = await tempDir()
  await mkdir(dir.join('workspace'))
  await using executor = await open()
  const text = await output(executor, dir.join('workspace'), 'id -u >uid; cat uid')
  assert.notEqual(text, '0\n')
  assert.equal(await readFile(dir.join('workspace', 'uid'), 'utf8'), text)
})

test('bubblewrap: shows the tools of a PATH outside the system, and hides the given paths', {
  skip,
}, async () => {
  await using dir = await tempDir()
  await mkdir(dir.join('workspace'))
  await mkdir(dir.join('node/bin'), { recursive: true })
  await mkdir(dir.join('node/lib'))
  await writeFile(dir.join('node/lib/words'), 'hello\n')
  await writeFile(dir.join('node/bin/say'), `#!/bin/sh\ncat ${dir.join('node/lib/words')}\n`)
  await chmod(dir.join('node/bin/say'), 0o755)
  await chmod(dir.path, 0o755)
  await using executor = new BubblewrapExecutor({
    instance: uniquePrefix(),
    networks: realNetworks(),
    hide: ['/usr/share', '/etc/hostname', '/nowhere'],
    path: `${dir.join('node/bin')}:/usr/bin:/bin`,
  })
  const script = 'say; ls -A /usr/share; cat /etc/hostname 2>/dev/null || echo hidden'
  const text = await output(executor, dir.join('workspace'), `${script}; ls ${dir.path}`)
  assert.equal(text, 'hello\nhidden\nnode\n')
})
