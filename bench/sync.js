import '@strangler-fig/kernel/require-node';

await import('./sync/main.ts');
