import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { FlawedTool } from '../../core/flawed-tool.ts'
import { git } from '../../lib/git/git.ts'
import type { Logger } from '../../lib/log.ts'
import { PROGRAM_PATH } from '../../lib/programs/machine-programs.ts'
import { knownHoles, type ToolName } from './known-holes.ts'

const run = promisify(execFile)

/** How to get each version. For an engine it is the local client's, which is usually the engine's own. */
const COMMANDS: Readonly<Record<ToolName, (signal: AbortSignal) => Promise<string>>> = {
  git: (signal) => git(['--version'], { env: { PATH: PROGRAM_PATH }, signal }),
  bubblewrap: (signal) => ask('bwrap', signal),
  runc: (signal) => ask('runc', signal),
  crun: (signal) => ask('crun', signal),
  docker: (signal) => ask('docker', signal),
}
const ANSWER_MS = 5_000

/** A program on this machine, with the known vulnerabilities of its version. */
export interface FoundTool extends FlawedTool {
  readonly name: ToolName
}

/** Gets the version of each program that is installed. Never rejects. */
export async function findTools(): Promise<readonly FoundTool[]> {
  const found = await Promise.all(
    Object.entries(COMMANDS).map(async ([name, versionOf]) => {
      const text = await versionOf(AbortSignal.timeout(ANSWER_MS)).catch(() => '')
      const version = versionIn(text)
      if (version === undefined) return []
      const tool = name as ToolName
      return [{ name: tool, version, holes: knownHoles(tool, version) }]
    }),
  )
  return found.flat()
}

async function ask(program: string, signal: AbortSignal): Promise<string> {
  return (await run(program, ['--version'], { env: { PATH: PROGRAM_PATH }, signal })).stdout
}

/** The first number with dots. */
export function versionIn(text: string): string | undefined {
  return /\d+(?:\.\d+)+/.exec(text)?.[0]
}

/** Logs which programs have known vulnerabilities, and resolves to them. Never rejects. */
export async function warnOfHoles(log: Logger): Promise<readonly FlawedTool[]> {
  const flawed = (await findTools()).filter(({ holes }) => holes.length > 0)
  for (const { name, version, holes } of flawed) {
    log.warn(
      { holes },
      `${name} ${version} has known vulnerabilities, unless your distribution has patched them: update it`,
    )
  }
  return flawed
}
