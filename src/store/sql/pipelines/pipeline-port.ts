import type { PipelineId } from '../../../core/ids.ts'
import { SerialQueue } from '../../../lib/async/serial-queue.ts'
import type { PipelineReader, PipelineWriter } from '../../ports/pipelines.ts'
import {
  guardPipeline,
  type Holder,
  lockPipelines,
  takeFreePipelines,
  takePipeline,
} from '../dispatchers.ts'
import type { ChangedIds } from '../state-changes.ts'
import type { Db } from '../tables.ts'
import { findPipelineDetail } from './pipeline-detail.ts'
import { findPipelineView, listAwaiting, listPipelineViews } from './pipeline-views.ts'
import { createPipeline, listPipelinesOfDispatcher, savePipeline } from './pipelines.ts'
import { findUntestedBase } from './untested-base.ts'

export function pipelineReader(db: Db): PipelineReader {
  const steps = new SerialQueue()
  return {
    find: (id) => findPipelineDetail(db, id),
    findView: (id) => findPipelineView(db, id),
    listViews: (filter, signal) => listPipelineViews(db, filter, { steps, signal }),
    listAwaiting: (query) => listAwaiting(db, query),
    findUntestedBase: (event) => findUntestedBase(db, event),
    listOf: (by) => listPipelinesOfDispatcher(db, by),
  }
}

export function pipelineWriter(db: Db, changed: ChangedIds): PipelineWriter {
  /** The owners of the pipelines that this transaction has locked. */
  let holders: ReadonlyMap<PipelineId, Holder> = new Map()
  return {
    ...pipelineReader(db),
    create: async (pipeline) => {
      const answer = await createPipeline(db, pipeline)
      if (answer.created) changed.add('pipeline', answer.pipeline.id)
      return answer
    },
    save: async (pipeline) => {
      const saved = await savePipeline(db, pipeline)
      changed.add('pipeline', saved.id)
      return saved
    },
    takeFree: (by) => {
      holders = new Map()
      return takeFreePipelines(db, by)
    },
    take: (id, by) => {
      holders = new Map()
      return takePipeline(db, id, by)
    },
    guard: (id, by, term) => guardPipeline(db, { id, by, term }, holders.get(id)),
    lock: async (ids) => {
      holders = await lockPipelines(db, ids)
    },
  }
}
