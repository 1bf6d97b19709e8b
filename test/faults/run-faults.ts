import { cp, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { EarlyEnd } from './early-end.ts'
import type { Evidence } from './evidence.ts'
import { judge, type Report } from './judge.ts'
import { findJobLeftovers, findProcessLeftovers, killLeftovers } from './leftovers.ts'
import { Load } from './load.ts'
import { Moments } from './moments.ts'
import { Nemesis } from './nemesis.ts'
import { type FaultsOptions, faultsOptions } from './options.ts'
import { ProcessSampler } from './process-sampler.ts'
import { readFinal } from './read-final.ts'
import { installServices } from './restartable-services.ts'
import { ScriptedNemesis } from './scripted-nemesis.ts'
import { SeededRandom } from './seeded-random.ts'
import { StateFollower } from './state-follower.ts'
import { startTopology, type Topology } from './topology.ts'
import { readWitness } from './witness.ts'

/** Said when nothing is broken any more. */
export const HEALED = 'all is healed; waiting for what is open'

const READY_WITHIN_MS = 90_000
/** Sandboxes are removed after the result was reported. */
const CLEAN_WITHIN_MS = 20_000
const LATE_MS = 3_000

/**
 * One run: starts everything, makes load and faults for the given time, heals, waits until all has
 * come to an end, and judges. It leaves nothing behind, aborted or not, but the artefacts of a run that
 * broke a promise. Rejects when the topology can't be started, and with the signal's reason.
 */
export async function runFaults(given: Partial<FaultsOptions> = {}): Promise<Report> {
  const options = faultsOptions(given)
  const { seed, say, signal } = options
  say(`seed ${seed}`)
  const random = new SeededRandom(seed)
  if (!options.servers) await installServices(say, signal)
  await using stack = new AsyncDisposableStack()
  const topology = stack.use(await startTopology(options, random.fork('topology')))
  // Also when it fails: those whose parents were killed are nobody's children any more.
  stack.defer(async () => {
    await topology.stopProcesses()
    killLeftovers(await findProcessLeftovers(topology))
  })
  const evidence = await gatherEvidence(topology, options, random)
  const report = judge(evidence, options)
  if (options.keep || report.breaches.length > 0)
    await keep(topology, { evidence, report, options })
  return report
}

async function gatherEvidence(
  topology: Topology,
  options: FaultsOptions,
  random: SeededRandom,
): Promise<Evidence> {
  const { say, signal } = options
  const late = await untilReady(topology, signal)
  if (late.length > 0) throw new Error(`the topology does not get ready: ${late.join('; ')}`)
  say(`${topology.processes.length} processes are ready`)
  await using follower = new StateFollower(topology.postgres.url, (url) =>
    topology.links.nameAt(url),
  )
  await using sampler = new ProcessSampler(topology.processes)
  await using load = new Load({
    random: random.fork('load'),
    agentUrls: topology.of('agent').map(({ healthUrl }) => healthUrl),
    // A dispatcher answers as well.
    webUrls: topology
      .of(options.counts.web > 0 ? 'web' : 'dispatcher')
      .map(({ healthUrl }) => healthUrl),
    follower,
    witnessFolder: topology.witnessFolder,
    maxOpenPipelines: options.maxOpenPipelines,
    shape: options.load,
    runners: options.counts.runner,
    signal,
  })
  const { witnessFolder } = topology
  await using early = new EarlyEnd(options.isEnough, { follower, witnessFolder })
  await load.prepare()
  const { deliveries, cancels } = load
  const moments = new Moments({ deliveries, cancels, changes: follower.changes, witnessFolder })
  const nemesis = chooseNemesis({ topology, moments, random: random.fork('nemesis') }, options)
  await makeTrouble({ load, nemesis, options, early: early.signal })
  const { unready, leftovers } = await settle({ topology, load, options, early: early.signal })
  const pipelines = await readFinal(topology.postgres.url)
  await topology.stopProcesses(early.signal.aborted ? 'SIGKILL' : 'SIGTERM')
  const processes = await findProcessLeftovers(topology)
  killLeftovers(processes)
  return {
    commits: load.commits,
    deliveries: load.deliveries,
    cancels: load.cancels,
    faults: nemesis.records,
    lives: topology.processes.flatMap(({ lives }) => lives),
    changes: follower.changes,
    owners: follower.owners,
    runs: await readWitness(topology.witnessFolder),
    pipelines,
    samples: sampler.samples,
    unready,
    leftovers: [
      ...leftovers,
      ...(early.signal.aborted
        ? []
        : processes.map(({ pid, command }) => `process ${pid} outlived its parent: ${command}`)),
    ],
    staleWrites: sampler.staleWrites,
  }
}

function chooseNemesis(
  parts: { topology: Topology; moments: Moments; random: SeededRandom },
  { script, meanGapMs, weights, say }: FaultsOptions,
): Nemesis | ScriptedNemesis {
  if (script) return new ScriptedNemesis({ ...parts, script })
  return new Nemesis({ ...parts, meanGapMs, weights, say })
}

async function makeTrouble(parts: {
  load: Load
  nemesis: Nemesis | ScriptedNemesis
  options: FaultsOptions
  early: AbortSignal
}): Promise<void> {
  const { load, nemesis, options, early } = parts
  const { signal, durationMs, meanGapMs, script, say } = options
  const over = AbortSignal.any([signal, early, AbortSignal.timeout(durationMs)])
  const progress = setInterval(() => {
    const open = load.openCommits.length
    say(`${nemesis.records.length} faults, ${load.commits.length} commits, ${open} open`)
  }, 30_000)
  try {
    if (script) {
      // The script is the first: some of it has to be there before anything is pushed.
      const enough = new AbortController()
      const played = nemesis.run(over).finally(() => enough.abort())
      await Promise.all([load.run(AbortSignal.any([over, enough.signal])), played])
    } else {
      const troubles = meanGapMs > 0 ? [nemesis.run(over)] : []
      await Promise.all([load.run(over), ...troubles])
    }
  } finally {
    clearInterval(progress)
  }
  signal.throwIfAborted()
}

/** Waits until all is well and over, and finds what is not; a run that has ended early is let go. */
async function settle(parts: {
  topology: Topology
  load: Load
  options: FaultsOptions
  early: AbortSignal
}): Promise<Pick<Evidence, 'unready' | 'leftovers'>> {
  const { topology, options, early } = parts
  const { say, signal, quiescenceMs } = options
  if (!early.aborted) {
    say(HEALED)
    if (await untilQuiet(parts)) say(`not quiet after ${quiescenceMs} ms`)
  }
  if (early.aborted) return { unready: [], leftovers: [] }
  const unready = await untilReady(topology, signal)
  return { unready, leftovers: await patientLeftovers(topology, signal) }
}

/** Resolves when all are ready, or after a long time to the reasons why they are not. */
async function untilReady(topology: Topology, signal: AbortSignal): Promise<string[]> {
  const deadline = performance.now() + READY_WITHIN_MS
  for (;;) {
    const troubles = await Promise.all(
      topology.processes.map(async (one) => {
        const trouble = await one.findTrouble()
        return trouble === undefined ? [] : [`${one.name} is not ready: ${trouble}`]
      }),
    )
    if (troubles.flat().length === 0 || performance.now() > deadline) return troubles.flat()
    await sleep(100, undefined, { signal })
  }
}

/** True when patience ended before the pipelines did. */
async function untilQuiet(parts: {
  load: Load
  options: FaultsOptions
  early: AbortSignal
}): Promise<boolean> {
  const { load, options, early } = parts
  const { quiescenceMs, signal } = options
  const told = new Set(
    load.deliveries.filter((one) => one.result === 'acked').map(({ sha }) => sha),
  )
  const deadline = performance.now() + quiescenceMs
  while (!early.aborted && load.openCommits.some(({ sha }) => told.has(sha))) {
    if (performance.now() > deadline) return true
    await sleep(200, undefined, { signal })
  }
  // What comes too late, such as a second pipeline, comes now.
  if (!early.aborted) await sleep(Math.min(LATE_MS, quiescenceMs), undefined, { signal })
  return false
}

async function patientLeftovers(topology: Topology, signal: AbortSignal): Promise<string[]> {
  const deadline = performance.now() + CLEAN_WITHIN_MS
  for (;;) {
    const found = await findJobLeftovers(topology)
    if (found.length === 0 || performance.now() > deadline) return found
    await sleep(500, undefined, { signal })
  }
}

/** Keeps what the processes said and what the judgement rests on. */
async function keep(
  topology: Topology,
  { evidence, report, options }: { evidence: Evidence; report: Report; options: FaultsOptions },
): Promise<void> {
  const folder = join(options.artefacts, `seed-${options.seed}-${Date.now()}`)
  await mkdir(folder, { recursive: true })
  await cp(topology.outputFolder, join(folder, 'output'), { recursive: true })
  await cp(topology.witnessFolder, join(folder, 'witness'), { recursive: true })
  await writeFile(join(folder, 'evidence.json'), JSON.stringify(evidence))
  await writeFile(join(folder, 'report.json'), JSON.stringify(report, undefined, 2))
  options.say(`what the processes said, and the history: ${folder}`)
}
