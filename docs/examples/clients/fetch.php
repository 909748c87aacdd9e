<?php
function result(string $orderNo, int $tries = 5): array {
    $context = stream_context_create(['http' => ['ignore_errors' => true, 'timeout' => 60,
        'header' => 'Authorization: Bearer ' . getenv('TOKEN')]]);
    $body = file_get_contents(getenv('RELAY') . '/ocr/bankcard/' . $orderNo, false, $context);
    $head = implode("\n", $http_response_header ?? []);
    $status = (int) substr($head, 9, 3);
    if ($status === 200) return json_decode($body, true);
    $wait = preg_match('/^Retry-After: (\d+)/im', $head, $found) ? (int) $found[1] : ($status === 404 ? 1 : 0);
    if ($wait === 0 || $tries === 1) throw new RuntimeException("$status $body");
    sleep($wait);
    return result($orderNo, $tries - 1);
}

print_r(result($argv[1]));
