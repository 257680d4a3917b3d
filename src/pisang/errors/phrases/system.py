"""The system's own words: of an error number (`os.strerror`), of name resolution, of TLS.

As glibc, macOS and Windows say them; `reason_of` puts a small letter in front.
"""

from __future__ import annotations

from collections.abc import Mapping

_ERRNO: Mapping[str, str] = {
    "Operation not permitted": "不允许的操作",
    "No such file or directory": "没有这个文件或目录",
    "Input/output error": "输入输出错误",
    "Bad file descriptor": "文件描述符无效",
    "Resource temporarily unavailable": "资源暂时不可用",
    "Cannot allocate memory": "内存不足",
    "Permission denied": "权限不足",
    "Device or resource busy": "设备或资源正忙",
    "File exists": "文件已存在",
    "Invalid cross-device link": "跨设备的链接无效",
    "No such device": "没有这个设备",
    "Not a directory": "不是目录",
    "Is a directory": "是一个目录",
    "Invalid argument": "参数无效",
    "Too many open files in system": "系统打开的文件过多",
    "Too many open files": "打开的文件过多",
    "File too large": "文件过大",
    "No space left on device": "磁盘空间不足",
    "Read-only file system": "文件系统只读",
    "Broken pipe": "管道已断开",
    "File name too long": "文件名过长",
    "No locks available": "没有可用的文件锁",
    "Directory not empty": "目录非空",
    "Too many levels of symbolic links": "符号链接层数过多",
    "Value too large for defined data type": "数值超出范围",
    "Operation not supported": "不支持该操作",
    "Protocol error": "协议错误",
    "Address already in use": "地址已被占用",
    "Address already in use (another server?)": "地址已被占用（另有服务在运行？）",
    "Cannot assign requested address": "无法使用该地址",
    "Can't assign requested address": "无法使用该地址",
    "Address family not supported by protocol": "不支持的地址类型",
    "Network is down": "网络未启用",
    "Network is unreachable": "网络不可达",
    "Software caused connection abort": "连接被本机中止",
    "Connection reset by peer": "连接被对方重置",
    "No buffer space available": "缓冲区不足",
    "Transport endpoint is not connected": "尚未连接",
    "Connection timed out": "连接超时",
    "Operation timed out": "操作超时",
    "Connection refused": "连接被拒绝",
    "Host is down": "主机未开机",
    "No route to host": "没有到主机的路由",
    "Stale file handle": "文件句柄已失效",
    "Disk quota exceeded": "磁盘配额已用完",
    "Text file busy": "文件正在执行，无法写入",
    "Success": "成功",
}

_NAMES: Mapping[str, str] = {
    "Name or service not known": "域名不存在",
    "nodename nor servname provided, or not known": "域名不存在",
    "No address associated with hostname": "域名没有对应的地址",
    "Temporary failure in name resolution": "域名解析暂时失败",
    "Non-recoverable failure in name resolution": "域名解析失败",
}

_TLS: Mapping[str, str] = {
    "certificate verify failed": "证书校验失败",
    "self-signed certificate": "自签名证书",
    "self-signed certificate in certificate chain": "证书链中有自签名证书",
    "self signed certificate": "自签名证书",
    "certificate has expired": "证书已过期",
    "certificate is not yet valid": "证书尚未生效",
    "unable to get local issuer certificate": "找不到证书的签发者",
    "unable to get issuer certificate": "找不到证书的签发者",
    "certificate revoked": "证书已吊销",
    "Hostname mismatch, certificate is not valid for '{}'.": "证书与域名 {} 不符",
    "IP address mismatch, certificate is not valid for '{}'.": "证书与地址 {} 不符",
    "wrong version number": "TLS 版本不符（端口可能不是 https）",
    "record layer failure": "TLS 记录错误",
    "unexpected eof while reading": "对方提前关闭了 TLS 连接",
    "tlsv1 alert protocol version": "对方不接受该 TLS 版本",
    "sslv3 alert handshake failure": "对方拒绝了 TLS 握手",
    "tlsv1 unrecognized name": "对方不认识该域名",
    "tlsv1 alert internal error": "对方内部错误",
}


def _both(words: Mapping[str, str]) -> dict[str, str]:
    """Each as the system says it, and as it stands in the middle of a sentence."""
    return {form: zh for en, zh in words.items() for form in (en, en[:1].lower() + en[1:])}


PHRASES: Mapping[str, str] = {**_both(_ERRNO), **_both(_NAMES), **_both(_TLS)}
