import type { Delivery, Evidence, FinalPipeline } from '../evidence.ts'
import type { Breach } from './breach.ts'

export interface DeliveryFigures {
  readonly sent: number
  readonly acked: number
  readonly refused: number
  readonly unknown: number
  /** Acknowledged moves of a branch without a pipeline. */
  readonly lost: number
  /** Pipelines above one for each move to the same commit, and those that nobody asked for. */
  readonly duplicated: number
}

/** Each move of a branch that was acknowledged has one pipeline, however often it was told. */
export function checkDeliveries(evidence: Pick<Evidence, 'commits' | 'deliveries' | 'pipelines'>): {
  figures: DeliveryFigures
  breaches: Breach[]
} {
  const { commits, deliveries, pipelines } = evidence
  const made = pipelines.filter(({ isRerun }) => !isRerun)
  const byCommit = Map.groupBy(made, keyOf)
  const acked = new Set(deliveries.filter(isAcked).map(({ move }) => move))
  const known = new Set(commits.map(keyOf))
  const counted = commits.map((commit) => {
    const all = byCommit.get(keyOf(commit)) ?? []
    const owed = commit.moves.filter((move) => acked.has(move)).length
    const lost = Math.max(0, owed - all.length)
    return {
      sha: commit.sha,
      all,
      owed,
      lost,
      extra: Math.max(0, all.length - commit.moves.length),
    }
  })
  const lost = counted.filter((one) => one.lost > 0)
  const twice = counted.filter((one) => one.extra > 0)
  const unasked = made.filter((one) => !known.has(keyOf(one)))
  const sum = (counts: readonly number[]): number => counts.reduce((all, one) => all + one, 0)
  return {
    figures: {
      sent: deliveries.length,
      acked: deliveries.filter(isAcked).length,
      refused: deliveries.filter(({ result }) => result === 'refused').length,
      unknown: deliveries.filter(({ result }) => result === 'unknown').length,
      lost: sum(lost.map((one) => one.lost)),
      duplicated: sum(twice.map(({ extra }) => extra)) + unasked.length,
    },
    breaches: [
      ...lost.map(({ sha, all, owed }): Breach => {
        const what = `${owed} moves to ${sha} were acknowledged, and ${all.length} have a pipeline`
        return { promise: 'lost', what }
      }),
      ...twice.map(({ sha, all }): Breach => {
        const ids = all.map(({ id }) => id).join(', ')
        return { promise: 'duplicated', what: `${sha} has ${all.length} pipelines: ${ids}` }
      }),
      ...unasked.map(({ id, sha }): Breach => {
        return { promise: 'duplicated', what: `${id} is of ${sha}, which nobody pushed` }
      }),
    ],
  }
}

function isAcked({ result }: Delivery): boolean {
  return result === 'acked'
}

function keyOf({ repository, ref, sha }: Pick<FinalPipeline, 'repository' | 'ref' | 'sha'>) {
  return `${repository} ${ref} ${sha}`
}
