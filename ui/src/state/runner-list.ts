import type { RunnerSample, RunnerView } from '../../../src/contract/rest/views.ts'
import type { SubjectAction } from '../live/use-subject.ts'

/** The runners by name, each with its recent samples, oldest first. */
export interface RunnerListState {
  readonly isLoaded: boolean
  readonly runners: readonly RunnerView[]
  readonly samples: Readonly<Record<string, readonly RunnerSample[]>>
}

export interface LoadedRunners {
  readonly runners: readonly RunnerView[]
  readonly samples: Readonly<Record<string, readonly RunnerSample[]>>
}

export const NO_RUNNERS: RunnerListState = { isLoaded: false, runners: [], samples: {} }

/** Points per chart. */
export const MOST_SAMPLES = 120

export function reduceRunnerList(
  state: RunnerListState,
  action: SubjectAction<LoadedRunners>,
): RunnerListState {
  switch (action.type) {
    case 'loaded':
      return { isLoaded: true, ...action.loaded }
    case 'runner.changed': {
      const others = state.runners.filter(({ id }) => id !== action.runner.id)
      const runners = [...others, action.runner].toSorted((a, b) => a.name.localeCompare(b.name))
      return { ...state, runners }
    }
    case 'runner.sampled': {
      const { sample } = action
      const known = state.samples[sample.runnerId] ?? []
      if ((known.at(-1)?.at ?? 0) >= sample.at) return state
      const samples = [...known, sample].slice(-MOST_SAMPLES)
      return { ...state, samples: { ...state.samples, [sample.runnerId]: samples } }
    }
    case 'pipeline.changed':
    case 'job.changed':
    case 'log.appended':
      return state
  }
}
