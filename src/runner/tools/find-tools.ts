import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Logger } from '../../lib/log.ts'
import { knownHoles, type ToolName } from './known-holes.ts'

const run = promisify(execFile)

/** How each says its version. Of an engine it is the program on this machine, which is mostly the engine's own. */
const COMMANDS: Readonly<Record<ToolName, readonly [string, ...string[]]>> = {
  git: ['git', '--version'],
  bubblewrap: ['bwrap', '--version'],
  runc: ['runc', '--version'],
  crun: ['crun', '--version'],
  docker: ['docker', '--version'],
}
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
const ANSWER_MS = 5_000

/** A program of this machine, and the holes that its version is known for, in words. */
export interface FoundTool {
  readonly name: ToolName
  readonly version: string
  readonly holes: readonly string[]
}

/** Asks each program that is there for its version. Never rejects. */
export async function findTools(): Promise<readonly FoundTool[]> {
  const found = await Promise.all(
    Object.entries(COMMANDS).map(async ([name, [program, ...args]]) => {
      const answer = await run(program, args, { env: { PATH }, timeout: ANSWER_MS }).catch(
        () => undefined,
      )
      const version = answer && versionIn(answer.stdout)
      if (version === undefined) return []
      const tool = name as ToolName
      return [{ name: tool, version, holes: knownHoles(tool, version) }]
    }),
  )
  return found.flat()
}

/** The first number with dots. */
export function versionIn(text: string): string | undefined {
  return /\d+(?:\.\d+)+/.exec(text)?.[0]
}

/** Says once which programs have known holes; in the background, for nothing waits for it. */
export function warnOfHoles(log: Logger): void {
  void findTools().then((tools) => {
    for (const { name, version, holes } of tools) {
      if (holes.length === 0) continue
      log.warn(
        { tool: name, version, holes },
        `${name} ${version} has known holes, unless your distribution has mended it: update it`,
      )
    }
  })
}
