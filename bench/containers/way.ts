/** One way to run `echo` in a container of its own. */
export interface Way {
  readonly name: string
  /** From nothing until the command has ended, in milliseconds; what is removed later, or before, is not counted. */
  readonly cold: () => Promise<number>
  /** The same, until everything of it is gone. */
  readonly whole: () => Promise<void>
}

/** How many runs end in a second while two run at a time. */
export async function jobsPerSecond(way: Way, runs: number): Promise<number> {
  let begun = 0
  const startedAt = performance.now()
  const work = async (): Promise<void> => {
    while (begun++ < runs) await way.whole()
  }
  await Promise.all([work(), work()])
  return (runs * 1000) / (performance.now() - startedAt)
}

/** Of a command that removes everything before it ends. */
export function wayOf(name: string, run: () => Promise<void>): Way {
  return {
    name,
    whole: run,
    cold: async () => {
      const startedAt = performance.now()
      await run()
      return performance.now() - startedAt
    },
  }
}
