/** A row of a comparison: how fast the client was with ours and with Apache Kafka, and what it cost the brokers. */
import { count, fixed, medianOf, ratioOf, target } from '../../table.ts';
import type { Sample } from './sample.ts';

/** From here on the client is what limits. */
const CLIENT_BOUND_SHARE = 0.9;
/** Of the CPU of the bare process: no Node process does with much less. */
const BARE_RATIO_MAX = 1.3;

export interface ComparedSamples {
  readonly ours: readonly Sample[];
  readonly kafka: readonly Sample[];
  /** Where a bare process can do the same. */
  readonly bare?: readonly Sample[];
}

const cpu = (sample: Sample) => sample.brokerCpu;
const rate = (sample: Sample) => sample.rate;
const peak = (sample: Sample) => sample.peakMib;

export function comparisonColumns({ hasBare }: { hasBare: boolean }): string[] {
  return [
    ...['row', 'records/s', 'Kafka', 'ratio', 'broker cpu s/M', 'Kafka', 'ratio'],
    ...(hasBare ? ['bare', 'of bare'] : []),
    ...['client cores', 'peak MiB', 'Kafka', 'target cpu', 'target rate'],
  ];
}

/** @param cpuRatioMax of Kafka's CPU, or of that of the bare process what is said above, where that is more */
export function comparisonRow(name: string, { ours, kafka, bare }: ComparedSamples, cpuRatioMax: number): string[] {
  const ofKafka = ratioOf(ours, kafka, cpu);
  const ofBare = bare === undefined ? Number.NaN : ratioOf(ours, bare, cpu);
  const rateRatio = ratioOf(ours, kafka, rate);
  const clientShare = medianOf(ours, (sample) => sample.clientShare);
  const rateRatioMin = clientShare < CLIENT_BOUND_SHARE ? 1.2 : 1;
  const orBare = bare === undefined ? '' : ` or ${BARE_RATIO_MAX} bare`;
  return [
    ...[name, count(medianOf(ours, rate)), count(medianOf(kafka, rate)), fixed(rateRatio)],
    ...[fixed(medianOf(ours, cpu), 3), fixed(medianOf(kafka, cpu), 3), fixed(ofKafka)],
    ...(bare === undefined ? [] : [fixed(medianOf(bare, cpu), 3), fixed(ofBare)]),
    ...[fixed(clientShare), count(medianOf(ours, peak)), count(medianOf(kafka, peak))],
    target(ofKafka <= cpuRatioMax || ofBare <= BARE_RATIO_MAX, `<= ${cpuRatioMax}${orBare}`),
    target(rateRatio >= rateRatioMin, `>= ${rateRatioMin}`),
  ];
}
