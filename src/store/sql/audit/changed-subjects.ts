import { jobView, runnerView } from '../../views.ts'
import { listJobs } from '../pipelines/jobs.ts'
import { pipelineViewsOf } from '../pipelines/pipeline-views.ts'
import { runnersOf } from '../runners.ts'
import type { Changed, ChangedIds, SubjectIds } from '../state-changes.ts'
import type { Db } from '../tables.ts'

/** The subjects that a transaction has changed, each once, in the order of their first changes. */
export class ChangedSubjects implements ChangedIds {
  readonly #kinds = new Map<string, keyof SubjectIds>()

  add<Kind extends keyof SubjectIds>(kind: Kind, id: SubjectIds[Kind]): void {
    this.#kinds.set(id, kind)
  }

  /** Their current views, by one query for each kind; removed subjects are left out. */
  async views(db: Db): Promise<Changed[]> {
    const changed = new Map<string, Changed>()
    for (const view of await pipelineViewsOf(db, this.#idsOf('pipeline'))) {
      changed.set(view.id, { kind: 'pipeline', view })
    }
    for (const job of await listJobs(db, { ids: this.#idsOf('job') })) {
      changed.set(job.id, { kind: 'job', view: jobView(job) })
    }
    for (const runner of await runnersOf(db, this.#idsOf('runner'))) {
      changed.set(runner.id, { kind: 'runner', view: runnerView(runner) })
    }
    return [...this.#kinds.keys()].flatMap((id) => changed.get(id) ?? [])
  }

  #idsOf<Kind extends keyof SubjectIds>(kind: Kind): SubjectIds[Kind][] {
    const ids: SubjectIds[Kind][] = []
    for (const [id, of] of this.#kinds) if (of === kind) ids.push(id as SubjectIds[Kind])
    return ids
  }
}
