import assert from 'node:assert/strict'
import { lstat, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { eventually } from '../../../../test/support/eventually.ts'
import { findProcesses } from '../../../../test/support/sandbox-processes.ts'
import { uniquePrefix } from '../../../../test/support/services.ts'
import { tempDir } from '../../../../test/support/temp-dir.ts'
import { NarwhalError } from '../../../lib/errors.ts'
import { useForkServer } from '../../../lib/programs/start-program.ts'
import { endSandbox } from '../../watchdog/end-sandbox.ts'
import { NOTHING, run } from '../contract/contract-fixture.ts'
import { mountsOf, type OciStage, ociSpecIn, ociStages, partsOf } from './oci-stage.fixture.ts'

const stages = await ociStages()

/** A runner of its own, with one sandbox, and everything that it has on the machine. */
async function stage({ open }: OciStage) {
  await using stack = new AsyncDisposableStack()
  const dir = stack.use(await tempDir())
  const instance = uniquePrefix()
  const executor = stack.use(open({ instance, folder: dir.join('sandboxes') }))
  const sandbox = stack.use(await executor.open(await ociSpecIn(dir.path), NOTHING))
  const owned = stack.move()
  const dispose = () => owned.disposeAsync()
  return { dir, instance, executor, sandbox, [Symbol.asyncDispose]: dispose }
}

for (const one of stages) {
  const { name, skip, skipLimits, open } = one

  test(`${name}: reports that a step ran out of memory, and goes on`, {
    skip: skipLimits,
  }, async () => {
    await using at = await stage(one)
    const note = 'out of memory: the limit is 64 MiB'
    const step = (script: string) => at.sandbox.run({ script, env: {} }, () => {}, NOTHING)
    assert.deepEqual(await step('tail /dev/zero'), { exitCode: 137, note })
    assert.deepEqual(await step('tail /dev/zero || exit 3'), { exitCode: 3, note })
    assert.deepEqual(await step('exit 3'), { exitCode: 3 })
  })

  test(`${name}: limits processors`, { skip: skipLimits }, async () => {
    await using at = await stage(one)
    const quota = await run(
      at.sandbox,
      'cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/cpu.max || :',
    )
    assert.match(quota.stdout, /^50000\b/)
  })

  test(`${name}: limits processes and open files`, { skip }, async () => {
    await using at = await stage(one)
    assert.match((await run(at.sandbox, 'ulimit -n; ulimit -Hn')).stdout, /^16384\n16384\n$/)
    const bomb = 'i=0; while [ $i -lt 100 ]; do sleep 100 & i=$((i + 1)); done; echo all'
    assert.doesNotMatch((await run(at.sandbox, bomb)).stdout, /^all$/m)
  })

  test(`${name}: survives a step that kills every process it sees, with its files`, {
    skip,
  }, async () => {
    await using at = await stage(one)
    await run(at.sandbox, 'echo kept >/root/file')
    assert.equal((await run(at.sandbox, 'kill -9 -1; sleep 100')).exitCode, 137)
    const gone = await run(at.sandbox, 'kill -9 $PPID; sleep 5')
    assert.deepEqual([gone.exitCode, gone.note], [137, 'the step ended its own container'])
    assert.equal((await run(at.sandbox, 'cat /root/file')).stdout, 'kept\n')
  })

  test(`${name}: leaves no zombie of a step's orphans`, { skip }, async () => {
    await using at = await stage(one)
    // In rounds, since nobody says how soon a busy machine's first process comes to it.
    const settled = 'until [ $(ls -d /proc/[0-9]* | wc -l) -lt 20 ]; do :; done'
    const round = 'i=0; while [ $i -lt 25 ]; do (true &); i=$((i + 1)); done'
    const orphans = `for round in $(seq 20); do ${round}; ${settled}; done; echo all`
    assert.match((await run(at.sandbox, orphans)).stdout, /^all$/m)
    const zombies = await run(at.sandbox, 'grep -l "^State:.Z" /proc/[0-9]*/status; :')
    assert.equal(zombies.stdout, '')
  })

  test(`${name}: leaves nothing of a job, while it runs nor afterwards`, { skip }, async () => {
    const owner = (await stat('/dev/null')).uid
    await using at = await stage(one)
    await run(at.sandbox, 'echo x >/root/x')
    // Its owner could change it for the whole machine.
    assert.notEqual((await run(at.sandbox, 'stat -c %u /dev/null')).stdout, '0\n')
    const background = { end: NOTHING }
    await at.sandbox.run({ script: 'true', env: {}, background }, () => {}, NOTHING)
    assert.deepEqual(await mountsOf(at.dir.path, at.instance), [])
    assert.equal((await stat('/dev/null')).uid, owner)
    assert.ok((await partsOf(at.dir.join('sandboxes'), at.instance)).length > 3)
    await at.sandbox[Symbol.asyncDispose]()
    await at.sandbox[Symbol.asyncDispose]()
    assert.deepEqual(await partsOf(at.dir.join('sandboxes'), at.instance), [])
    await at.executor[Symbol.asyncDispose]()
    await eventually(async () => {
      await assert.rejects(lstat(join('/run', at.instance)), { code: 'ENOENT' })
    })
  })

  test(`${name}: removes a job's files behind its end, whatever their modes are`, {
    skip,
  }, async () => {
    await using at = await stage(one)
    const many =
      'mkdir /files; cd /files; i=0; while [ $i -lt 2000 ]; do echo $i >$i; i=$((i+1)); done'
    await run(at.sandbox, `${many}; mkdir -p /closed/in; chmod 000 /closed/in /closed`)
    await at.sandbox[Symbol.asyncDispose]()
    assert.deepEqual(await partsOf(at.dir.join('sandboxes'), at.instance), [])
    const trash = at.dir.join('sandboxes/containers/trash')
    await eventually(async () => assert.deepEqual(await readdir(trash), []))
  })

  test(`${name}: a container that a small process has started is as any other`, {
    skip,
  }, async () => {
    await using programs = await tempDir()
    await using _server = await useForkServer(programs.join('programs'))
    await using at = await stage(one)
    // A shell starts programs in the background with SIGINT ignored. (A busybox shell itself ignores SIGQUIT.)
    const ignored = await run(at.sandbox, 'grep -h SigIgn /proc/1/status /proc/self/status')
    assert.match(ignored.stdout, /^SigIgn:\t0+4?\nSigIgn:\t0+\n$/)
    assert.equal((await run(at.sandbox, 'kill -9 $PPID; sleep 5')).exitCode, 137)
    await at.sandbox[Symbol.asyncDispose]()
    assert.deepEqual(await partsOf(at.dir.join('sandboxes'), at.instance), [])
  })

  test(`${name}: ends a sandbox by its handle, as another process does`, { skip }, async () => {
    await using at = await stage(one)
    const seconds = String(700_000 + (process.pid % 100_000))
    const script = `(setsid sleep ${seconds} &)\nsleep ${seconds}`
    const running = run(at.sandbox, script)
    running.catch(() => {})
    await eventually(async () => assert.ok((await findProcesses(seconds)).length > 1))
    const { handle } = at.sandbox
    assert.ok(handle?.kind === 'groups' || handle?.kind === 'trees')
    await endSandbox(handle)
    assert.deepEqual(await findProcesses(seconds), [])
    assert.equal((await running).exitCode, 137)
    await endSandbox(handle)
  })

  test(`${name}: says what is wrong with an image`, { skip }, async () => {
    await using dir = await tempDir()
    await using executor = open({ folder: dir.join('sandboxes') })
    const spec = await ociSpecIn(dir.path)
    const refused = (image: string, code: string, words: RegExp) =>
      assert.rejects(executor.open({ ...spec, image }, NOTHING), (error) => {
        assert.ok(error instanceof NarwhalError)
        assert.deepEqual([error.code, words.test(error.message)], [code, true], error.message)
        return true
      })
    await refused(
      'nowhere.example/x:1',
      'not_found',
      /^image nowhere\.example\/x:1 can't be pulled/,
    )
    await refused('a --privileged', 'invalid', /can't be a container image/)
    assert.deepEqual(await readdir(dir.join('sandboxes/control')), [])
  })

  test(`${name}: removes what a record names, unless its runner still runs`, { skip }, async () => {
    await using at = await stage(one)
    const records = at.dir.join('sandboxes/containers/records')
    const [file = ''] = await readdir(records)
    const record = JSON.parse(await readFile(join(records, file), 'utf8')) as {
      owner: { pid: number; startedAt: string }
    }
    const other = String(process.ppid)
    const startedAt = (await readFile(`/proc/${other}/stat`, 'utf8')).split(') ')[1]?.split(' ')[19]
    const plant = async (id: string, owner: object) => {
      const planted = { ...record, id, groups: [], owner: { ...record.owner, ...owner } }
      await writeFile(join(records, `${id}.json`), JSON.stringify(planted))
    }
    await plant('of-another', { pid: Number(other), startedAt })
    await plant('of-a-former', { pid: Number(other), startedAt: '1' })
    await plant('of-a-former-boot', { pid: Number(other), startedAt, boot: 'before' })
    await writeFile(join(records, 'cut-off.json'), '{"id":')
    await using next = open({ instance: at.instance, folder: at.dir.join('sandboxes') })
    await next.reap()
    assert.deepEqual(await readdir(records), ['of-another.json'])
  })
}
