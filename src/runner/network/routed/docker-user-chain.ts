import { isProgram, runProgram } from '../commands.ts'

/**
 * Docker makes the machine drop all forwarded packets except its own, but has a chain for others' rules,
 * DOCKER-USER, which it never changes. Two rules in it accept packets from and to jobs; our own table still
 * rejects what must be rejected. They are found by their comments.
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

/** Adds them if the chain exists and lacks them. Never rejects: the proof reports what is dropped. */
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
  const changes = PROGRAMS.map(async (program) => {
    if (!(await isProgram(program))) return
    if (!(await succeeds(program, ['-w', '5', '-n', '-L', CHAIN]))) return
    await change(program).catch(() => {})
  })
  await Promise.all(changes)
}

function succeeds(program: string, args: readonly string[]): Promise<boolean> {
  return runProgram(program, args).then(
    () => true,
    () => false,
  )
}
