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
    ...present({ movedTo: record.movedTo, deployKey: record.deployKey }),
    ...credentialsOf(record),
    pollIntervalMs: record.pollIntervalMs,
    approval: record.approval ?? DEFAULT_APPROVAL,
    pipelineFiles: record.pipelineFiles ?? DEFAULT_PIPELINE_FILES,
    skippedIsOpen: record.skippedIsOpen ?? false,
    ...(record.approval === undefined ? { isApprovalUnchosen: true } : {}),
    strangerAccounts: [...(record.strangerAccounts ?? [])],
    createdAt: record.createdAt,
  }
}

/** Which kinds there are is all that is known without opening them. */
function credentialsOf({
  cloneUrl,
  gitCredentials,
  deployKey,
}: RepositoryRecord): Pick<RepositoryView, 'credentials'> {
  if (gitCredentials === undefined) return {}
  const isHttp = /^https?:/.test(cloneUrl)
  if (isHttp) return { credentials: ['password'] }
  return deployKey === undefined ? {} : { credentials: ['deploy key'] }
}

function withoutCredentials(url: string): string {
  return url.replace(/^([a-z][a-z0-9+.-]*:\/\/[^/@:]*):[^/@]*@/i, '$1:***@')
}
