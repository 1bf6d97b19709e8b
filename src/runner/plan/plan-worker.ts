import { parentPort } from 'node:worker_threads'
import type { PlanFacts } from '../../core/plan/plan-facts.ts'
import { parsePipelineFile } from '../../pipeline-file/parse-pipeline-file.ts'
import type { IncludedFiles } from '../../pipeline-file/read/include-ref.ts'

interface ParseRequest {
  readonly text: string
  readonly facts?: PlanFacts
  readonly included?: IncludedFiles
}

/** The thread of `PipelineFileParser`: signals once that it is ready, then answers each request. */
parentPort?.on('message', ({ text, facts, included }: ParseRequest) =>
  parentPort?.postMessage(parsePipelineFile(text, facts, included)),
)
parentPort?.postMessage('ready')
