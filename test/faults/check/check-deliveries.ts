import type { Delivery, Evidence, FinalPipeline } from '../evidence.ts'
import type { Breach } from './breach.ts'

export interface DeliveryFigures {
  readonly sent: number
  readonly acked: number
  readonly refused: number
  readonly unknown: number
  /** Acknowledged commits without a pipeline. */
  readonly lost: number
  /** Pipelines above one for the same commit on the same ref, and those that nobody asked for. */
  readonly duplicated: number
}

/** What was acknowledged has one pipeline, however often it was told. */
export function checkDeliveries(evidence: Pick<Evidence, 'commits' | 'deliveries' | 'pipelines'>): {
  figures: DeliveryFigures
  breaches: Breach[]
} {
  const { commits, deliveries, pipelines } = evidence
  const made = pipelines.filter(({ isRerun }) => !isRerun)
  const bySemanticKey = Map.groupBy(made, keyOf)
  const acked = new Set(deliveries.filter(isAcked).map(({ sha }) => sha))
  const known = new Set(commits.map(keyOf))
  const lost = commits.filter((one) => acked.has(one.sha) && !bySemanticKey.has(keyOf(one)))
  const twice = [...bySemanticKey].filter(([, all]) => all.length > 1)
  const unasked = made.filter((one) => !known.has(keyOf(one)))
  const extra = twice.reduce((sum, [, all]) => sum + all.length - 1, 0)
  return {
    figures: {
      sent: deliveries.length,
      acked: deliveries.filter(isAcked).length,
      refused: deliveries.filter(({ result }) => result === 'refused').length,
      unknown: deliveries.filter(({ result }) => result === 'unknown').length,
      lost: lost.length,
      duplicated: extra + unasked.length,
    },
    breaches: [
      ...lost.map(({ sha }): Breach => {
        return { promise: 'lost', what: `commit ${sha} was acknowledged and has no pipeline` }
      }),
      ...twice.map(([key, all]): Breach => {
        const ids = all.map(({ id }) => id).join(', ')
        return { promise: 'duplicated', what: `${key} has ${all.length} pipelines: ${ids}` }
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
