export interface PlotProps {
  readonly label: string
  /** The newest value, or what sums the plot up, in words. */
  readonly summary: string
  /** Epoch seconds, or numbers of pipelines; ascending. */
  readonly times: readonly number[]
  readonly lines: readonly {
    readonly name: string
    readonly values: readonly (number | null)[]
  }[]
  readonly format: (value: number) => string
  /** What fills the height; else the largest value. */
  readonly most?: number
  readonly height?: number
  /** Whether `times` are times; else numbers. */
  readonly isByTime?: boolean
}
