import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { StepRun } from './evidence.ts'
import { parseUptime } from './machine-clock.ts'

/** All that the steps have written down. */
export async function readWitness(folder: string): Promise<StepRun[]> {
  const names = await readdir(folder)
  const runs = await Promise.all(
    names.map(async (name) => parseRun(name, await readFile(join(folder, name), 'utf8'))),
  )
  return runs.filter((run) => run !== undefined).sort((a, b) => a.beganAt - b.beganAt)
}

/** One file, named `job.attempt.step.pid`, with a line for each beat; undefined when there is none yet. */
export function parseRun(name: string, content: string): StepRun | undefined {
  const [jobId = '', attempt, step] = name.split('.')
  // The last line may have been cut off by the death of its writer.
  const lines = content.split('\n').slice(0, -1)
  const [first = '', ...others] = lines
  const [kind, beganAt = '', runner = ''] = first.split(' ')
  if (kind !== 'begin') return undefined
  const [lastKind, lastAt = beganAt] = others.at(-1)?.split(' ') ?? []
  return {
    jobId,
    attempt: Number(attempt),
    step: Number(step),
    token: name,
    runner,
    beganAt: parseUptime(beganAt),
    lastAt: parseUptime(lastAt),
    ended: lastKind === 'end',
  }
}
