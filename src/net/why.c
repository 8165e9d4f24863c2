#include "net/why.h"

#include <errno.h>
#include <libwebsockets.h>

enum net_why net_why_errno(int e)
{
	switch (e) {
	case ECONNREFUSED:
	case ENOENT:                    /* a Unix socket that is not there */
		return NET_WHY_REFUSED;
	case ENETUNREACH:
	case EHOSTUNREACH:
	case ENETDOWN:
	case EHOSTDOWN:
	case EADDRNOTAVAIL:
	case EACCES:
	case EPERM:
		return NET_WHY_UNREACHABLE;
	case ETIMEDOUT:
		return NET_WHY_SILENT;
	case ECONNRESET:
	case EPIPE:
		return NET_WHY_CUT;
	default:
		return NET_WHY_VAGUE;
	}
}

enum net_why net_why_x509(long code)
{
	switch (code) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return NET_WHY_CERT_EXPIRED;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return NET_WHY_CERT_EARLY;
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		return NET_WHY_CERT_HOST;
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_CERT_UNTRUSTED:
		return NET_WHY_CERT_CA;
	default:
		return NET_WHY_CERT_OTHER;
	}
}
