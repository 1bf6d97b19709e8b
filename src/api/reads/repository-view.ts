import type { RepositoryView } from '../../contract/rest/rest-repositories.ts'
import { forgePathOf } from '../../core/forge-path.ts'
import { DEFAULT_APPROVAL, DEFAULT_PIPELINE_FILES } from '../../core/stranger/approval.ts'
import { present } from '../../lib/present.ts'
import type { RepositoryRecord } from '../../store/records.ts'

/** A view of a repository without its webhook secret and the credentials in its URL. */
export function viewRepository(record: RepositoryRecord): RepositoryView {
  const forgePath = record.movedTo ?? forgePathOf(record)
  return {
    id: record.id,
    name: record.name,
    forge: record.forge,
    cloneUrl: withoutCredentials(record.cloneUrl),
    ...present({ forgePath: forgePath === record.name ? undefined : forgePath }),
    ...present({ movedTo: record.movedTo }),
    pollIntervalMs: record.pollIntervalMs,
    approval: record.approval ?? DEFAULT_APPROVAL,
    pipelineFiles: record.pipelineFiles ?? DEFAULT_PIPELINE_FILES,
    skippedIsOpen: record.skippedIsOpen ?? false,
    ...(record.approval === undefined ? { isApprovalUnchosen: true } : {}),
    strangerAccounts: [...(record.strangerAccounts ?? [])],
    createdAt: record.createdAt,
  }
}

function withoutCredentials(url: string): string {
  return url.replace(/^([a-z][a-z0-9+.-]*:\/\/[^/@:]*):[^/@]*@/i, '$1:***@')
}
