import '@strangler-fig/kernel/require-node';

await import('./facade/body.ts');
