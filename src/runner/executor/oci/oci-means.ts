import type { Images } from '../../images/images.ts'
import type { FoundRuntime } from './runtime/find-runtime.ts'

/** What starts containers, and over what; disposed of after the last container. */
export interface OciMeans extends AsyncDisposable {
  readonly found: FoundRuntime
  readonly images: Images
}
