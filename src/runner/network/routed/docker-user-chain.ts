import { isProgram, runProgram } from '../commands.ts'

/**
 * Where Docker is, it has the machine drop all that is forwarded but what it knows, and leaves one chain
 * to others, DOCKER-USER, which it never changes. Two rules in it let through what comes from or goes to
 * jobs; our own table still refuses what must be refused. Each with its comment, by which they are found.
 */
function rulesOf(prefix: string): readonly (readonly string[])[] {
  const comment = ['-m', 'comment', '--comment', `narwhal ${prefix}`, '-j', 'ACCEPT']
  const answers = ['-m', 'conntrack', '--ctstate', 'RELATED,ESTABLISHED']
  return [
    ['-i', `${prefix}+`, ...comment],
    ['-o', `${prefix}+`, ...answers, ...comment],
  ]
}

const CHAIN = 'DOCKER-USER'
const PROGRAMS = ['iptables', 'ip6tables'] as const

/** Puts them there where the chain is and they are not. Never rejects: the proof tells what is dropped. */
export async function allowInUserChain(prefix: string): Promise<void> {
  await forEachChain(async (program) => {
    for (const rule of rulesOf(prefix)) {
      const isThere = await succeeds(program, ['-w', '5', '-C', CHAIN, ...rule])
      if (!isThere) await runProgram(program, ['-w', '5', '-I', CHAIN, ...rule])
    }
  })
}

export async function removeFromUserChain(prefix: string): Promise<void> {
  await forEachChain(async (program) => {
    for (const rule of rulesOf(prefix)) {
      await runProgram(program, ['-w', '5', '-D', CHAIN, ...rule]).catch(() => {})
    }
  })
}

async function forEachChain(change: (program: string) => Promise<void>): Promise<void> {
  for (const program of PROGRAMS) {
    if (!(await isProgram(program))) continue
    if (!(await succeeds(program, ['-w', '5', '-n', '-L', CHAIN]))) continue
    await change(program).catch(() => {})
  }
}

function succeeds(program: string, args: readonly string[]): Promise<boolean> {
  return runProgram(program, args).then(
    () => true,
    () => false,
  )
}
