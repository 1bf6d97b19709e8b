import { call } from '../../api.ts'
import { useSubject } from '../../live/use-subject.ts'
import { type ActivityState, NO_ACTIVITY, RUNS, reduceActivity } from '../../state/activity.ts'

/** Recent runs per repository and running pipelines, live. */
export function useActivity(): ActivityState & { readonly error: Error | undefined } {
  const { state, error } = useSubject({
    key: 'activity',
    topic: { kind: 'everything' },
    load: async (signal) => {
      const { seq } = await call('status', {}, signal)
      const [{ repositories }, { pipelines }] = await Promise.all([
        call('listActivity', { query: { runs: RUNS } }, signal),
        call('listPipelines', { query: { status: 'running', limit: 20 } }, signal),
      ])
      return { loaded: { repositories, running: pipelines }, seq }
    },
    reduce: reduceActivity,
    initial: NO_ACTIVITY,
  })
  return { ...state, error }
}
