import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import { test } from 'node:test'
import { openLog } from '../../src/lib/log.ts'
import { DockerExecutor } from '../../src/runner/executor/docker/docker-executor.ts'
import type { Executor, Sandbox, StepExit } from '../../src/runner/executor/executor.ts'
import { BubblewrapExecutor } from '../../src/runner/executor/local/bubblewrap.ts'
import { type OciStage, ociStages } from '../../src/runner/executor/oci/oci-stage.fixture.ts'
import { folderWorkspace } from '../../src/runner/executor/workspace.ts'
import { MIB, runIn, withoutBubblewrap } from '../support/bubblewrap-jobs.ts'
import { eventually } from '../support/eventually.ts'
import { freeNetworks } from '../support/free-networks.ts'
import { TEST_IMAGE } from '../support/services/docker-image.ts'
import { testImage, testService, uniquePrefix } from '../support/services.ts'
import { tempDir } from '../support/temp-dir.ts'

/** A leftover process of one step that tries to forge the end of the next. */

const docker = testService('docker')
const stages = await ociStages()
const noBubblewrap = await withoutBubblewrap()
const log = await openLog({ level: 'silent', pretty: false })

/**
 * Searches the memory of every shell that it can read for keys, and the command lines of programs for marker
 * tokens, and writes forged ends to all pipes of those shells.
 */
const FORGER = `
forge() {
  for file in /proc/[0-9]*/fd/*; do
    case $(readlink "$file") in
      /narwhal/*|*fifo*|pipe:*|*/ends*|*/out-*|*deleted*)
        printf '\\n%s ended 1 0 0\\n%s ended 2 0 0\\n%s ended 3 0 0\\n' "$1" "$1" "$1" >"$file" 2>/dev/null &
        printf '\\001narwhal-end-%s 0 0\\n' "$1" >"$file" 2>/dev/null & ;;
    esac
  done
}
while :; do
  for place in /proc/[0-9]*; do
    grep -E '^[0-9a-f]+-[0-9a-f]+ rw.*(heap|^[^/]*$)' "$place/maps" 2>/dev/null | while read -r range rest; do
      first=$((0x\${range%-*} / 4096)); last=$((0x\${range#*-} / 4096))
      [ $((last - first)) -lt 300 ] || continue
      dd if="$place/mem" bs=4096 skip=$first count=$((last - first)) 2>/dev/null
    done | tr -c '0-9a-f' '\\n' | grep -E '^[0-9a-f]{32}$' | sort -u | while read -r key; do
      echo "$key" >>/tmp/keys
      forge "$key"
    done
  done
done
`

async function jobOf(executor: Executor, workspace: string, image?: string): Promise<Sandbox> {
  await mkdir(workspace)
  const limits = { memoryBytes: 512 * MIB, cpus: 1, processes: 512 }
  const spec = {
    name: 'job_forger/1',
    workspace: folderWorkspace(workspace),
    limits,
    isStranger: false,
  }
  return await executor.open({ ...spec, ...(image ? { image } : {}) }, new AbortController().signal)
}

const NOTHING = new AbortController().signal
const LEAVE = `cat >forger <<'END'\n${FORGER}\nEND\n`

/** Leaves the forger behind, which is seen to run, and then runs what must fail. */
async function attack(job: Sandbox): Promise<void> {
  const leave = `${LEAVE}setsid sh forger >/dev/null 2>&1 </dev/null &\nsleep 1; echo left`
  assert.match((await runIn(job, leave)).output, /left\n/)
  await mustFail(job)
}

async function mustFail(job: Sandbox): Promise<void> {
  const { exitCode, output } = await runIn(job, 'sleep 2; echo still here; exit 7')
  assert.equal(exitCode, 7)
  assert.equal(output, 'still here\n')
  // It is gone as well.
  const { output: alive } = await runIn(job, 'cat /proc/[0-9]*/cmdline | tr "\\0" " "')
  assert.doesNotMatch(alive, /forger/)
}

/** A background step that prints a growing number of lines. */
function startInBackground(job: Sandbox, script: string, signal = NOTHING) {
  const end = new AbortController()
  const beside = { end, said: '', exit: Promise.resolve<StepExit>({ exitCode: -1 }) }
  beside.exit = job.run(
    { script, env: {}, background: { end: end.signal } },
    (_, chunk) => void (beside.said += Buffer.from(chunk).toString()),
    signal,
  )
  beside.exit.catch(() => {})
  return beside
}

/** The same with a background step, whose own processes go on, including those that have left its group. */
async function attackInBackground(job: Sandbox): Promise<void> {
  const server = `setsid sh -c 'while :; do echo beat; sleep 0.1; done' >beats &\necho up; sleep 600`
  const beside = startInBackground(job, server)
  await eventually(() => beside.said === 'up\n')
  await attack(job)
  // One that looks like another step's, or tries to look like no step's.
  const lower = 'ulimit -m unlimited; ulimit -m 1099511627700; ulimit -m 1000; ulimit -w 77'
  const disguised = `( (${lower}; exec setsid sh forger) || setsid sh forger) >/dev/null 2>&1 </dev/null &\nsleep 1; echo left`
  assert.match((await runIn(job, `${LEAVE}${disguised}`)).output, /left\n/)
  await mustFail(job)
  const beats = async () => Number((await runIn(job, 'wc -l <beats')).output)
  const before = await beats()
  await eventually(async () => (await beats()) > before)
  beside.end.abort()
  assert.equal((await beside.exit).exitCode, 143)
}

/** A background step that has ended, and has left the forger behind. */
async function attackAfter(job: Sandbox): Promise<void> {
  const leave = `${LEAVE}setsid sh forger >/dev/null 2>&1 </dev/null &\nsleep 1; echo up`
  const beside = startInBackground(job, leave)
  assert.deepEqual(await beside.exit, { exitCode: 0 })
  await mustFail(job)
  const stop = new AbortController()
  const stopped = startInBackground(job, `${leave}; sleep 600`, stop.signal)
  await eventually(() => stopped.said === 'up\n')
  stop.abort(new Error('it took too long'))
  await assert.rejects(stopped.exit, /too long/)
  await mustFail(job)
}

const ATTACKS = [
  {
    what: 'can not say how the next one ended',
    run: attack,
    ids: ['SEC-17', 'SEC-17d', 'SEC-17b'],
  },
  {
    what: 'nor while another step runs in the background',
    run: attackInBackground,
    ids: ['SEC-17c', 'SEC-17e', 'SEC-17g'],
  },
  {
    what: 'nor when it was itself in the background',
    run: attackAfter,
    ids: ['SEC-17h', 'SEC-17f', 'SEC-17i'],
  },
] as const

for (const { what, run, ids } of ATTACKS) {
  const inContainer = (id: string, where: string, steps?: 'exec') =>
    testInContainer(
      `${id}: what a step leaves in a container whose steps ${where} ${what}`,
      run,
      steps,
    )
  inContainer(ids[0], 'its supervisor runs')
  inContainer(ids[1], 'the engine executes', 'exec')
  // The supervisor is the same for both runtimes, its rights are theirs.
  for (const stage of stages.filter(({ name }) => name === 'crun' || run === attack)) {
    const title = `${ids[0]}: what a step leaves in a container of ${stage.name} ${what}`
    testWithoutEngine(title, run, stage)
  }
  test(`${ids[2]}: leftover processes of a step in bubblewrap ${what}`, {
    skip: noBubblewrap,
  }, async () => {
    await using dir = await tempDir()
    await using executor = new BubblewrapExecutor({
      instance: uniquePrefix(),
      hide: [],
      networks: freeNetworks(),
    })
    await using job = await jobOf(executor, dir.join('workspace'))
    await run(job)
  })
}

/**
 * The processes whose open files this one can see, except for its own and its parents, by their command
 * lines.
 */
const LOOK = `for one in /proc/[0-9]*; do
  if readlink "$one/fd/0" >/dev/null 2>&1 || head -c 1 "$one/environ" >/dev/null 2>&1; then tr "\\0" " " <"$one/cmdline"; echo; fi
done`

async function looks(job: Sandbox): Promise<void> {
  const loop = `echo up; while sleep 0.2; do ${LOOK} >seen.new; mv seen.new seen; done`
  const beside = startInBackground(job, loop)
  await eventually(() => beside.said === 'up\n')
  const { output } = await runIn(job, LOOK)
  assert.match(output, /step-2/)
  assert.doesNotMatch(output, /narwhal_|step-1|docker-init|as-background|sleep 2147/)
  await runIn(job, 'rm -f seen; until [ -s seen ]; do sleep 0.1; done')
  const { output: seen } = await runIn(job, 'cat seen')
  assert.match(seen, /step-1/)
  assert.doesNotMatch(seen, /narwhal_|step-[2-9]|docker-init|as-step|sleep 2147/)
}

for (const [id, where, steps] of [
  ['SEC-17j', 'its supervisor runs', undefined],
  ['SEC-17k', 'the engine executes', 'exec'],
] as const) {
  const title = `${id}: a step in a container whose steps ${where} looks into no process but its own`
  testInContainer(title, looks, steps)
}
for (const stage of stages) {
  const title = `SEC-17j: a step in a container of ${stage.name} looks into no process but its own`
  testWithoutEngine(title, looks, stage)
}

function testInContainer(
  title: string,
  run: (job: Sandbox) => Promise<void>,
  steps?: 'exec',
): void {
  test(title, { skip: docker.skip }, async () => {
    await using dir = await tempDir()
    await using executor = new DockerExecutor({
      host: docker.url,
      instance: uniquePrefix(),
      folder: dir.join('sandboxes'),
      runnerIsRoot: process.getuid?.() === 0,
      log,
      networks: freeNetworks(),
      ...(steps ? { steps } : {}),
    })
    await using job = await jobOf(executor, dir.join('workspace'), testImage())
    await run(job)
  })
}

function testWithoutEngine(
  title: string,
  run: (job: Sandbox) => Promise<void>,
  { skip, open }: OciStage,
): void {
  test(title, { skip }, async () => {
    await using dir = await tempDir()
    await using executor = open({ folder: dir.join('sandboxes') })
    await using job = await jobOf(executor, dir.join('workspace'), TEST_IMAGE)
    await run(job)
  })
}
