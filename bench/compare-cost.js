import '@strangler-fig/kernel/require-node';

await import('./facade/compare-cost.ts');
