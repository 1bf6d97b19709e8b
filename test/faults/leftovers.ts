import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Topology } from './topology.ts'

interface Leftover {
  readonly pid: number
  readonly command: string
}

/** What jobs have left although none is open any more: processes of steps, workspaces, sandboxes. */
export async function findJobLeftovers(topology: Topology): Promise<string[]> {
  const steps = await findMarked(`WITNESS=${topology.witnessFolder}`)
  const runners = topology.of('runner').map(({ name }) => name)
  const workspaces = await Promise.all(
    runners.map((name) => list(join(topology.folder, 'data', name, 'workspaces'))),
  )
  const scratches = await list(join(topology.folder, 'tmp'))
  return [
    ...steps.map(({ pid, command }) => `process ${pid} of a step still runs: ${command}`),
    ...workspaces.flat().map((path) => `workspace ${path} is still there`),
    ...scratches
      .filter((path) => path.includes('narwhal-sandbox-'))
      .map((path) => `sandbox ${path} is still there`),
  ]
}

/** Processes that the run has started, and that are still there after all were stopped. */
export async function findProcessLeftovers(topology: Topology): Promise<Leftover[]> {
  const [ours, steps] = await Promise.all([
    findMarked(`TMPDIR=${topology.folder}/tmp`),
    findMarked(`WITNESS=${topology.witnessFolder}`),
  ])
  const known = new Set(ours.map(({ pid }) => pid))
  return [...ours, ...steps.filter(({ pid }) => !known.has(pid))]
}

/** Ends them: every one has the run's own folder in its environment. */
export function killLeftovers(leftovers: readonly Leftover[]): void {
  for (const { pid } of leftovers) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It has ended meanwhile.
    }
  }
}

/** The processes with this text in their environment. */
async function findMarked(text: string): Promise<Leftover[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const found = await Promise.all(
    pids.map(async (pid) => {
      const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')
      if (!environment.includes(text)) return []
      const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
      return [{ pid: Number(pid), command: command.replaceAll('\0', ' ').slice(0, 200) }]
    }),
  )
  return found.flat()
}

async function list(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => [])
  return names.map((name) => join(folder, name))
}
