import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { FlawedTool } from '../../core/flawed-tool.ts'
import { git } from '../../lib/git/git.ts'
import type { Logger } from '../../lib/log.ts'
import { knownHoles, type ToolName } from './known-holes.ts'

const run = promisify(execFile)

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** How each says its version. Of an engine it is the program on this machine, which is mostly the engine's own. */
const COMMANDS: Readonly<Record<ToolName, (signal: AbortSignal) => Promise<string>>> = {
  git: (signal) => git(['--version'], { env: { PATH }, signal }),
  bubblewrap: (signal) => ask('bwrap', signal),
  runc: (signal) => ask('runc', signal),
  crun: (signal) => ask('crun', signal),
  docker: (signal) => ask('docker', signal),
}
const ANSWER_MS = 5_000

/** A program of this machine; without holes, none of its version are known. */
export interface FoundTool extends FlawedTool {
  readonly name: ToolName
}

/** Asks each program that is there for its version. Never rejects. */
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
  return (await run(program, ['--version'], { env: { PATH }, signal })).stdout
}

/** The first number with dots. */
export function versionIn(text: string): string | undefined {
  return /\d+(?:\.\d+)+/.exec(text)?.[0]
}

/** Says once which programs have known holes, and resolves to them. Never rejects. */
export async function warnOfHoles(log: Logger): Promise<readonly FlawedTool[]> {
  const flawed = (await findTools()).filter(({ holes }) => holes.length > 0)
  for (const { name, version, holes } of flawed) {
    log.warn(
      { holes },
      `${name} ${version} has known holes, unless your distribution has mended it: update it`,
    )
  }
  return flawed
}
