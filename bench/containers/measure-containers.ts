import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { RunTimes } from '../run/measure-run.ts'
import { type ExecutorWay, WRITE_FILES } from './executor-way.ts'
import { jobsPerSecond, type Way } from './way.ts'
import type { Whole } from './whole.ts'

const WARM_UP_RUNS = 2
/** Rounds of what takes seconds: bursts, and jobs that leave many files. */
const LONG_ROUNDS = 3

export interface Measuring {
  /** The first is `docker run`. */
  readonly ways: readonly Way[]
  readonly executors: readonly ExecutorWay[]
  readonly whole: Whole
  readonly folder: string
  readonly runs: number
  readonly burst: number
  readonly say: (line: string) => void
}

/** All times in milliseconds. */
export interface MeasuredContainers {
  readonly ways: readonly { name: string; cold: number[]; perSecond: number[] }[]
  readonly green: number[]
  readonly runs: RunTimes[]
  /** Pipelines per second of a burst of pushes. */
  readonly pushes: number[]
  /** The end of a job that has left many files, with the first runtime. */
  readonly ends: number[]
  /** What removing them takes without Narwhal. */
  readonly removals: number[]
}

/** In turn, round after round. */
export async function measureContainers(measuring: Measuring): Promise<MeasuredContainers> {
  const { whole, runs, burst, say, folder } = measuring
  const ways = measuring.ways.map((way) => ({
    way,
    cold: [] as number[],
    perSecond: [] as number[],
  }))
  const green: number[] = []
  const pushes: number[] = []
  const ends: number[] = []
  const removals: number[] = []
  const runTimes: RunTimes[] = []
  say(`measuring: ${WARM_UP_RUNS} rounds to warm up, then ${runs}`)
  for (let round = 1 - WARM_UP_RUNS; round <= runs; round++) {
    for (const { way, cold } of ways) keep(round, cold, await way.cold())
    keep(round, green, await whole.green())
    keep(round, runTimes, await whole.run())
  }
  for (let round = 0; round <= LONG_ROUNDS; round++) {
    say(`bursts: ${round} of ${LONG_ROUNDS}`)
    for (const { way, perSecond } of ways) {
      keep(round, perSecond, await jobsPerSecond(way, round === 0 ? 4 : burst))
    }
    keep(round, pushes, await whole.burst())
    const [executor] = measuring.executors
    if (executor) keep(round, ends, await executor.endWithFiles())
    keep(round, removals, await removeFiles(folder))
  }
  const named = ways.map(({ way, ...times }) => ({ name: way.name, ...times }))
  return { ways: named, green, runs: runTimes, pushes, ends, removals }
}

function keep<Time>(round: number, times: Time[], time: Time): void {
  if (round > 0) times.push(time)
}

/** What `rm -rf` takes for the files of `endWithFiles`. */
async function removeFiles(folder: string): Promise<number> {
  const place = await mkdtemp(join(folder, 'files-'))
  const script = WRITE_FILES.replaceAll('/left', join(place, 'left'))
  const run = promisify(execFile)
  await run('/bin/sh', ['-c', script])
  const startedAt = performance.now()
  await run('rm', ['-rf', place])
  const ms = performance.now() - startedAt
  await rm(place, { recursive: true, force: true })
  return ms
}
