import assert from 'node:assert/strict'
import { mkdir, readdir } from 'node:fs/promises'
import { test } from 'node:test'
import { eventually } from '../../../../test/support/eventually.ts'
import { freeNetworks } from '../../../../test/support/free-networks.ts'
import { testImage, testService, uniquePrefix } from '../../../../test/support/services.ts'
import { tempDir } from '../../../../test/support/temp-dir.ts'
import { silentLog } from '../../../lib/log.ts'
import { FifoStock } from '../../../lib/pipes/fifo-stock.ts'
import { makeFifos } from '../../../lib/programs/make-fifos.ts'
import { stepsSpec } from '../containers/container-profile.ts'
import { ContainerFolder } from '../containers/steps/container-folder.ts'
import { MIB, NOTHING, run } from '../contract/contract-fixture.ts'
import { folderWorkspace } from '../workspace.ts'
import { DockerExecutor } from './docker-executor.ts'
import { parseEngineAddress } from './engine/docker-address.ts'
import { DockerApi } from './engine/docker-api.ts'
import { DockerEngine } from './engine/docker-engine.ts'

const { url, skip } = testService('docker')

/** A sandbox whose steps use FIFOs. */
async function stage() {
  const stack = new AsyncDisposableStack()
  const dir = stack.use(await tempDir())
  await mkdir(dir.join('workspace'))
  const executor = stack.use(
    new DockerExecutor({
      host: url,
      folder: dir.join('sandboxes'),
      instance: uniquePrefix(),
      runnerIsRoot: process.getuid?.() === 0,
      log: silentLog(),
      networks: freeNetworks(),
    }),
  )
  const limits = { memoryBytes: 64 * MIB, cpus: 1, processes: 64 }
  const spec = {
    name: 'job_control/1',
    image: testImage(),
    workspace: folderWorkspace(dir.join('workspace')),
    limits,
    isStranger: false,
  }
  const sandbox = stack.use(await executor.open(spec, NOTHING))
  const [name = ''] = await readdir(dir.join('sandboxes'))
  const control = dir.join('sandboxes', name, 'control')
  return { sandbox, control, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

test('docker: a step sees its own script and nothing of the runner', { skip }, async () => {
  await using at = await stage()
  await run(at.sandbox, 'true')
  // Its streams lose their names once they are open, a moment after its start.
  const script = 'sleep 0.2; ls /narwhal; test ! -p /proc/$$/fd/3 -a ! -p /proc/$$/fd/4'
  assert.deepEqual(await run(at.sandbox, script), {
    exitCode: 0,
    stdout: 'as-background\nas-step\nstep-2\n',
    stderr: '',
  })
  assert.deepEqual((await readdir(at.control)).sort(), ['as-background', 'as-step'])
})

test('docker: a step can replace nothing in the control folder', { skip }, async () => {
  await using at = await stage()
  const tries = [
    'touch /narwhal/step-2',
    'rm -f "$0"',
    'ln -s /etc/passwd /narwhal/x',
    'mkfifo /narwhal/commands',
    'echo exit 0 >>"$0"',
    'mount -o remount,rw /narwhal',
    'mv "$0" /narwhal/go-2',
  ]
  for (const attempt of tries) {
    const { exitCode } = await run(at.sandbox, `${attempt} 2>/dev/null`)
    assert.notEqual(exitCode, 0, attempt)
  }
  assert.equal((await run(at.sandbox, 'echo fine; exit 4')).exitCode, 4)
})

test('docker: no step can forge the end of a step, wherever it writes', {
  skip,
}, async () => {
  await using at = await stage()
  const forge = `
words="narwhal-end ended 2 0 0"
for n in 1 2 3; do words="$words
ended $n 0 0
0123456789abcdef0123456789abcdef ended $n 0 0"; done
echo "$words"
for fd in /proc/[0-9]*/fd/*; do (echo "$words" >"$fd") 2>/dev/null & done
for fifo in /narwhal/*; do (echo "$words" >"$fifo") 2>/dev/null & done
wait
exit 3`
  const forged = await run(at.sandbox, forge)
  assert.equal(forged.exitCode, 3)
  assert.match(forged.stdout, /ended 3 0 0/)
  assert.deepEqual(await run(at.sandbox, 'sleep 0.1; echo next; exit 5'), {
    exitCode: 5,
    stdout: 'next\n',
    stderr: '',
  })
})

test('docker: leftover processes of a step write into no other step', { skip }, async () => {
  await using at = await stage()
  const script = '(while :; do echo left; echo left >&2; sleep 0.01; done) & echo first'
  assert.equal((await run(at.sandbox, script)).exitCode, 0)
  for (const word of ['one', 'two', 'three']) {
    const ran = await run(at.sandbox, `sleep 0.05; echo ${word}`)
    assert.deepEqual(ran, { exitCode: 0, stdout: `${word}\n`, stderr: '' })
  }
})

test('docker: a step that fills the command pipe harms only its own job', {
  skip,
}, async () => {
  await using at = await stage()
  const fill = `
for fd in /proc/[0-9]*/fd/3; do
  if [ -p "$fd" ]; then (timeout 1 cat /dev/zero >"$fd") 2>/dev/null & fi
done
sleep 0.3`
  await run(at.sandbox, fill)
  // The next step fails with the reason, or runs normally; it never hangs.
  await run(at.sandbox, 'true').catch((error: unknown) => assert.match(String(error), /commands/))
  await eventually(async () => {
    const ran = await run(at.sandbox, 'echo again').catch(() => undefined)
    assert.equal(ran?.stdout, 'again\n')
  })
})

test('docker: a step that signals every process it sees ends only itself', {
  skip,
}, async () => {
  await using at = await stage()
  assert.equal((await run(at.sandbox, "trap 'kill 0' EXIT; exit 3")).exitCode, 143)
  assert.equal((await run(at.sandbox, 'kill -TERM -1; echo after')).stdout, 'after\n')
  assert.deepEqual(await run(at.sandbox, "trap '' TERM; kill 0; exit 6"), {
    exitCode: 6,
    stdout: '',
    stderr: '',
  })
  const gone = await run(at.sandbox, 'echo out; kill -9 $PPID; sleep 5')
  assert.equal(gone.exitCode, 137)
  assert.equal(gone.note, 'the step ended its own container')
  assert.equal((await run(at.sandbox, 'echo on')).stdout, 'on\n')
})

test('docker: runs steps with variables that a shell refuses to set', { skip }, async () => {
  await using at = await stage()
  const env = {
    PPID: '1',
    OPTIND: 'x',
    narwhal_key: 'mine',
    narwhal_step: '9',
    LINENO: 'x',
    A: "it's",
  }
  const ran = await run(at.sandbox, 'echo "$narwhal_key $narwhal_step $A"', env)
  assert.deepEqual(ran, { exitCode: 0, stdout: "mine 9 it's\n", stderr: '' })
})

test('docker: a container that starts when its runner has ended ends, too', { skip }, async () => {
  await using stack = new AsyncDisposableStack()
  const dir = stack.use(await tempDir())
  await mkdir(dir.join('workspace'))
  const name = uniquePrefix()
  const engine = new DockerEngine(new DockerApi(parseEngineAddress(url)), { instance: name })
  const folder = await ContainerFolder.make(
    dir.join('sandboxes'),
    new FifoStock(dir.path, makeFifos),
  )
  await folder.placeControl()
  const spec = stepsSpec(
    testImage(),
    {
      name,
      workspace: folderWorkspace(dir.join('workspace')),
      limits: { memoryBytes: 64 * MIB, cpus: 1, processes: 64 },
      control: folder.control,
      maskFile: folder.maskFile,
      connection: { kind: 'none' },
    },
    process.getuid?.() === 0,
  )
  const ask = {
    pull: 'never',
    isStranger: false,
    onProgress: () => {},
    signal: NOTHING,
  } as const
  // No channel is opened: a killed runner holds neither end of the FIFOs.
  const id = (await engine.create(spec, ask)) ?? assert.fail('the image is missing')
  stack.defer(() => engine.remove(id))
  await engine.start(id)
  await engine.wait(id, AbortSignal.timeout(60_000))
  assert.equal((await engine.inspect(id))?.running, false)
})
